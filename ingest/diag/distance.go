package diag

// maxDistance bounds the words Distance compares; longer ones are simply far.
const maxDistance = 128

// Distance counts the bytes to insert, delete or replace to make one short word
// from another: what "did you mean" goes by. Words over 128 bytes are 128 apart.
func Distance(a, b string) int {
	if len(a) > maxDistance || len(b) > maxDistance {
		return maxDistance
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
