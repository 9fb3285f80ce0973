package scorer

import "testing"

// FuzzDecodeResults reads files that nobody has written: they are refused or
// give whole rows, and nothing breaks down that a compactor does not catch.
func FuzzDecodeResults(f *testing.F) {
	for _, rows := range []int{1, 3} {
		for _, data := range resultFiles(f, rows) {
			f.Add(data)
		}
	}
	empty, err := tombstone()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(empty)
	columns, _ := applicationColumns()
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = guarded(func() error {
			rows, err := decodeResults(data)
			for _, row := range rows {
				if err == nil && len(row) != len(columns) {
					t.Errorf("row of %d columns", len(row))
				}
			}
			return err
		})
	})
}
