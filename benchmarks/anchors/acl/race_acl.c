/*
 * race_acl answers traces with DPDK's rte_acl. It is driven line by line on
 * standard input and answers each line with one line, "ok ..." or "error ...":
 *
 *   algorithms                         names that this machine can run
 *   load LIST FILE                     rules, built: milliseconds and bytes
 *   trace TRACE FILE                   packets
 *   run LIST TRACE ALGORITHM PASSES    nanoseconds of the quickest pass
 *   dump LIST TRACE ALGORITHM FILE     the answers, uint32 little-endian
 *   large                              bytes in large pages, and of them in tables
 *
 * Time is that of the thread, not the wall clock: the machine may be shared.
 *
 * A rule is a line "ADDRESS/BITS PROTOCOL/MASK FIRST-LAST FIRST-LAST ID", both
 * port ranges in the packet's order; the earlier line wins. The local address is
 * decided already and no field: four fields instead of five are three table
 * walks fewer for each packet. A packet is 12 bytes: remote address, source
 * port, destination port in network order, protocol, three bytes of padding.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_vect.h>

enum { PROTOCOL, REMOTE, SOURCE, DESTINATION, FIELDS };
enum { BATCH = 256, NAMES = 64, MAX_NAME = RTE_ACL_NAMESIZE };

struct packet {
	uint32_t remote;
	uint16_t source, destination;
	uint8_t protocol, padding[3];
};

RTE_ACL_RULE_DEF(rule4, FIELDS);

/* rte_acl reads one byte first and then four at a time: the two ports share. */
static const struct rte_acl_field_def defs[FIELDS] = {
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, PROTOCOL, 0, offsetof(struct packet, protocol) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, REMOTE, 1, offsetof(struct packet, remote) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, SOURCE, 2, offsetof(struct packet, source) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, DESTINATION, 2, offsetof(struct packet, destination) },
};

static const struct {
	const char *name;
	enum rte_acl_classify_alg alg;
} algorithms[] = {
	{ "scalar", RTE_ACL_CLASSIFY_SCALAR },
	{ "sse", RTE_ACL_CLASSIFY_SSE },
	{ "avx2", RTE_ACL_CLASSIFY_AVX2 },
	{ "avx512x16", RTE_ACL_CLASSIFY_AVX512X16 },
	{ "avx512x32", RTE_ACL_CLASSIFY_AVX512X32 },
};

struct list {
	char name[MAX_NAME];
	struct rte_acl_ctx *ctx;
};

struct trace {
	char name[MAX_NAME];
	struct packet *packets;
	uint32_t *answers;
	size_t n;
};

static struct list lists[NAMES];
static struct trace traces[NAMES];
static int nlists, ntraces;

static void fail(const char *what, int err)
{
	printf("error %s: %s\n", what, strerror(err < 0 ? -err : err));
}

/* large asks for pages of 2 MiB, as ipflow does for its own arrays. Packets and answers
 * begin with one, and end with 64 bytes that may be read too. */
static void *large(size_t size)
{
	const size_t page = 2u << 20;
	size = (size + 64 + page - 1) / page * page;
	void *memory = aligned_alloc(page, size);
	if (memory)
		madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

/* memfd_create fails, so that EAL takes private memory for the tables and not a file in
 * memory: the system may have large pages for the one and not for the other. */
int memfd_create(const char *name, unsigned int flags)
{
	(void)name;
	(void)flags;
	errno = ENOSYS;
	return -1;
}

/* enlarge asks for the memory of the tables, of which it adds up the bytes. */
static int enlarge(const struct rte_memseg_list *list, void *bytes)
{
	*(size_t *)bytes += list->len;
	return madvise(list->base_va, list->len, MADV_HUGEPAGE);
}

static int of_tables(const struct rte_memseg_list *list, void *address)
{
	uintptr_t a = *(uintptr_t *)address, base = (uintptr_t)list->base_va;
	return a >= base && a < base + list->len;
}

/* in_large says what of the process lies in large pages. */
static void in_large(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	uintptr_t at = 0, from, to;
	size_t kb, all = 0, tables = 0;
	if (!f) {
		fail("/proc/self/smaps", errno);
		return;
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
			at = from;
		} else if (sscanf(line, "AnonHugePages: %zu kB", &kb) == 1) {
			all += kb;
			tables += rte_memseg_list_walk(of_tables, &at) > 0 ? kb : 0;
		}
	fclose(f);
	printf("ok %zu %zu\n", all << 10, tables << 10);
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t heap(void)
{
	struct rte_malloc_socket_stats s;
	size_t total = 0;
	for (int i = 0; i < RTE_MAX_NUMA_NODES; i++)
		if (rte_malloc_get_socket_stats(i, &s) == 0)
			total += s.heap_allocsz_bytes;
	return total;
}

static bool parse(const char *line, struct rule4 *r, uint32_t position)
{
	unsigned a, b, c, d, bits, protocol, mask, s0, s1, d0, d1, id;
	if (sscanf(line, "%u.%u.%u.%u/%u %u/%u %u-%u %u-%u %u", &a, &b, &c, &d, &bits, &protocol, &mask, &s0, &s1, &d0, &d1, &id) != 12)
		return false;
	if (a > 255 || b > 255 || c > 255 || d > 255 || bits > 32 || protocol > 255 || mask > 255 ||
	    s0 > s1 || s1 > 65535 || d0 > d1 || d1 > 65535 || position >= RTE_ACL_MAX_PRIORITY)
		return false;
	memset(r, 0, sizeof(*r));
	r->data.category_mask = 1;
	r->data.priority = RTE_ACL_MAX_PRIORITY - position;
	r->data.userdata = id + 1; /* 0 is "no match" */
	r->field[PROTOCOL].value.u8 = protocol;
	r->field[PROTOCOL].mask_range.u8 = mask;
	r->field[REMOTE].value.u32 = a << 24 | b << 16 | c << 8 | d;
	r->field[REMOTE].mask_range.u32 = bits;
	r->field[SOURCE].value.u16 = s0;
	r->field[SOURCE].mask_range.u16 = s1;
	r->field[DESTINATION].value.u16 = d0;
	r->field[DESTINATION].mask_range.u16 = d1;
	return true;
}

static struct rule4 *read_rules(const char *path, uint32_t *n)
{
	FILE *f = fopen(path, "r");
	if (!f) {
		fail(path, errno);
		return NULL;
	}
	struct rule4 *rules = NULL;
	size_t cap = 0;
	char line[256];
	for (*n = 0; fgets(line, sizeof(line), f); (*n)++) {
		if (*n == cap) {
			cap = cap ? 2 * cap : 1024;
			rules = realloc(rules, cap * sizeof(*rules));
			if (!rules)
				abort();
		}
		if (!parse(line, &rules[*n], *n)) {
			printf("error %s:%u: not a rule\n", path, *n + 1);
			fclose(f);
			free(rules);
			return NULL;
		}
	}
	fclose(f);
	return rules;
}

static void load(const char *name, const char *path)
{
	uint32_t n;
	if (nlists == NAMES || strlen(name) >= MAX_NAME) {
		printf("error too many lists, or too long a name\n");
		return;
	}
	struct rule4 *rules = read_rules(path, &n);
	if (!rules)
		return;
	struct list *l = &lists[nlists];
	strcpy(l->name, name);
	size_t before = heap();
	/* The name also names the memory: every list needs its own. */
	struct rte_acl_param param = { .name = l->name, .socket_id = SOCKET_ID_ANY, .rule_size = RTE_ACL_RULE_SZ(FIELDS), .max_rule_num = n };
	l->ctx = rte_acl_create(&param);
	if (!l->ctx) {
		fail("rte_acl_create", rte_errno);
		free(rules);
		return;
	}
	size_t kept = heap();
	uint64_t start = now();
	int err = rte_acl_add_rules(l->ctx, (struct rte_acl_rule *)rules, n);
	free(rules);
	struct rte_acl_config cfg = { .num_categories = 1, .num_fields = FIELDS };
	memcpy(cfg.defs, defs, sizeof(defs));
	if (err == 0)
		err = rte_acl_build(l->ctx, &cfg);
	uint64_t end = now();
	if (err) {
		fail("build", err);
		rte_acl_free(l->ctx);
		return;
	}
	nlists++;
	/* rules: the context keeps them for rebuilding; tables: what answers. */
	printf("ok %.3f %zu %zu\n", (double)(end - start) / 1e6, heap() - kept, kept - before);
}

static void read_trace(const char *name, const char *path)
{
	if (ntraces == NAMES || strlen(name) >= MAX_NAME) {
		printf("error too many traces, or too long a name\n");
		return;
	}
	FILE *f = fopen(path, "r");
	if (!f || fseek(f, 0, SEEK_END) != 0) {
		fail(path, errno);
		return;
	}
	long size = ftell(f);
	rewind(f);
	struct trace *t = &traces[ntraces];
	strcpy(t->name, name);
	t->n = size / sizeof(struct packet);
	t->packets = large(size);
	t->answers = large(t->n * sizeof(*t->answers));
	if (!t->packets || !t->answers || t->n == 0 || fread(t->packets, sizeof(struct packet), t->n, f) != t->n) {
		printf("error %s: cannot be read as packets\n", path);
		fclose(f);
		return;
	}
	fclose(f);
	ntraces++;
	printf("ok %zu\n", t->n);
}

/* classify answers a trace once. The answers stay, as ipflow's do. */
static int classify(const struct list *l, const struct trace *t, enum rte_acl_classify_alg alg)
{
	const uint8_t *data[BATCH];
	for (size_t i = 0; i < t->n; i += BATCH) {
		uint32_t n = t->n - i < BATCH ? t->n - i : BATCH;
		for (uint32_t k = 0; k < n; k++)
			data[k] = (const uint8_t *)&t->packets[i + k];
		int err = rte_acl_classify_alg(l->ctx, data, t->answers + i, n, 1, alg);
		if (err)
			return err;
	}
	return 0;
}

static bool find(const char *list, const char *trace, const char *alg, struct list **l, struct trace **t, enum rte_acl_classify_alg *a)
{
	*l = NULL;
	*t = NULL;
	for (int i = 0; i < nlists; i++)
		if (strcmp(lists[i].name, list) == 0)
			*l = &lists[i];
	for (int i = 0; i < ntraces; i++)
		if (strcmp(traces[i].name, trace) == 0)
			*t = &traces[i];
	for (size_t i = 0; i < RTE_DIM(algorithms); i++)
		if (strcmp(algorithms[i].name, alg) == 0) {
			*a = algorithms[i].alg;
			if (*l && *t)
				return true;
		}
	printf("error no such list, trace or algorithm\n");
	return false;
}

static void run(const char *list, const char *trace, const char *alg, int passes)
{
	struct list *l;
	struct trace *t;
	enum rte_acl_classify_alg a;
	if (!find(list, trace, alg, &l, &t, &a))
		return;
	uint64_t least = UINT64_MAX;
	for (int i = 0; i < passes; i++) {
		uint64_t start = now();
		int err = classify(l, t, a);
		if (err) {
			fail("classify", err);
			return;
		}
		uint64_t took = now() - start;
		if (took < least)
			least = took;
	}
	printf("ok %" PRIu64 "\n", least);
}

static void dump(const char *list, const char *trace, const char *alg, const char *path)
{
	struct list *l;
	struct trace *t;
	enum rte_acl_classify_alg a;
	if (!find(list, trace, alg, &l, &t, &a))
		return;
	FILE *f = fopen(path, "w");
	if (!f) {
		fail(path, errno);
		return;
	}
	int err = classify(l, t, a);
	for (size_t i = 0; i < t->n; i++)
		t->answers[i]--; /* no match becomes 0xffffffff */
	bool written = fwrite(t->answers, sizeof(*t->answers), t->n, f) == t->n;
	if (fclose(f) != 0 || !written)
		err = EIO;
	if (err)
		fail("dump", err);
	else
		printf("ok\n");
}

static void supported(void)
{
	struct rte_acl_param param = { .name = "probe", .socket_id = SOCKET_ID_ANY, .rule_size = RTE_ACL_RULE_SZ(FIELDS), .max_rule_num = 1 };
	struct rte_acl_ctx *ctx = rte_acl_create(&param);
	if (!ctx) {
		fail("rte_acl_create", rte_errno);
		return;
	}
	printf("ok");
	for (size_t i = 0; i < RTE_DIM(algorithms); i++)
		if (rte_acl_set_ctx_classify(ctx, algorithms[i].alg) == 0)
			printf(" %s", algorithms[i].name);
	printf("\n");
	rte_acl_free(ctx);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: race_acl CORE\n");
		return 2;
	}
	/* No reserved huge pages, devices or shared files: any user may run it. */
	char *eal[] = { argv[0], "-l", argv[1], "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "2048",
			"--force-max-simd-bitwidth=512", "--log-level=error" };
	if (rte_eal_init(RTE_DIM(eal), eal) < 0) {
		fprintf(stderr, "race_acl: rte_eal_init: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	size_t bytes = 0;
	if (rte_memseg_list_walk(enlarge, &bytes) != 0 || bytes == 0)
		fprintf(stderr, "race_acl: no large pages for the tables\n");
	setvbuf(stdout, NULL, _IOLBF, 0);
	char line[4096], command[16], a[1024], b[1024], c[64], d[1024];
	while (fgets(line, sizeof(line), stdin)) {
		int n = sscanf(line, "%15s %1023s %1023s %63s %1023s", command, a, b, c, d);
		if (n == 1 && strcmp(command, "algorithms") == 0)
			supported();
		else if (n == 1 && strcmp(command, "large") == 0)
			in_large();
		else if (n == 3 && strcmp(command, "load") == 0)
			load(a, b);
		else if (n == 3 && strcmp(command, "trace") == 0)
			read_trace(a, b);
		else if (n == 5 && strcmp(command, "run") == 0)
			run(a, b, c, atoi(d));
		else if (n == 5 && strcmp(command, "dump") == 0)
			dump(a, b, c, d);
		else
			printf("error no such command\n");
	}
	return 0;
}
