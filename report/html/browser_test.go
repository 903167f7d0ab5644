package html

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"ipflow/verify/audit"
)

// browser is one headless Chromium, shared by the tests of the package.
var browser = sync.OnceValues(startBrowser)

// errNoBrowser says why tests are skipped.
var errNoBrowser = errors.New("no Chromium on this machine (Debian: apt-get install chromium): the page is not looked at")

type started struct {
	ctx  context.Context
	stop func()
}

func startBrowser() (*started, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		return nil, errNoBrowser
	}
	profile, err := os.MkdirTemp("", "ipflow-chromium-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	s := &started{ctx, func() {
		stop()
		stopAllocator()
		os.RemoveAll(profile)
	}}
	if err := chromedp.Do(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return s, nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if s, err := browser(); err == nil {
		s.stop()
	}
	os.Exit(code)
}

// tab is a page under test and what happened in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	trouble  []string // errors, refusals of the policy, dialogs
}

// step is an action of a test that has no answer.
type step = chromedp.Action[chromedp.Void]

// fileOf writes a report and returns the file.
func fileOf(t *testing.T, r *audit.Report) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(f, r); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// open writes a report and opens it in a fresh tab, after the steps before.
func open(t *testing.T, r *audit.Report, before ...step) *tab {
	t.Helper()
	return openFile(t, fileOf(t, r), before...)
}

func openFile(t *testing.T, file string, before ...step) *tab {
	t.Helper()
	b := load(t, file, before...)
	b.wait("the page to be ready", "'ready' in document.documentElement.dataset")
	return b
}

// load opens a page and does not wait for its script.
func load(t *testing.T, file string, before ...step) *tab {
	t.Helper()
	s, err := browser()
	if errors.Is(err, errNoBrowser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := chromedp.NewContext(s.ctx)
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx}
	b.do() // opens the tab
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b.ctx = ctx
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	b.do(screen(1280, "light"))
	b.do(before...)
	b.do(chromedp.Navigate("file://" + filepath.ToSlash(file)))
	return b
}

// hear notes what must not happen.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *log.EventEntryAdded:
		b.trouble = append(b.trouble, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
	case *runtime.EventConsoleAPICalled:
		b.trouble = append(b.trouble, "console."+string(e.Type))
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
	case *page.EventJavascriptDialogOpening:
		b.trouble = append(b.trouble, "dialog: "+e.Message)
		go chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
	}
}

func (b *tab) do(steps ...step) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	out, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// eval runs a script in the page and decodes its value.
func eval[T any](b *tab, script string, options ...chromedp.EvaluateOption) T {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		b.t.Fatalf("%v\nin the script %s", err, script)
	}
	return out
}

// wait waits until a script says true.
func (b *tab) wait(what, script string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); !eval[bool](b, script); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// view goes to a view and waits until it is shown.
func (b *tab) view(name string) {
	b.t.Helper()
	eval[chromedp.Void](b, fmt.Sprintf("location.hash = %q", name))
	id := name
	if strings.HasPrefix(name, "nic-") {
		id = "nic"
	}
	b.wait("view "+name, fmt.Sprintf("[...document.querySelectorAll('.view:not([hidden])')].map(x => x.id).join() === %q", id))
}

// key presses keys, one after the other.
func (b *tab) key(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(k))
	}
}

// quiet fails if anything happened that must not.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.trouble {
		b.t.Errorf("the page is in trouble: %s", x)
	}
	if len(b.requests) != 1 || !strings.HasPrefix(b.requests[0], "file://") {
		b.t.Errorf("the page makes requests: %q, want its own alone", b.requests)
	}
}

// screen sets the width of the window and the theme that the reader prefers.
func screen(width int64, theme string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500,
		}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
		})
		return err
	})
}
