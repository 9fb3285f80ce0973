package lookup

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Rows of a part as it is written are found, with every kind of value.
func TestFindsWhatIsWritten(t *testing.T) {
	t.Parallel()
	const rows = 40_000 // of several pages
	part, at := written(t, rows, mixedID)
	if at.Filters[0].Pages == nil {
		t.Fatal("no filters of pages")
	}
	objects := partOf(t, part, at)
	for _, i := range []int{0, 1, 7, 8191, 8192, 16_384, 33_333, rows - 1} {
		found, err := Find(t.Context(), objects, "batch", mixedID(i))
		if err != nil || len(found.Matches) != 1 {
			t.Fatalf("row %d: %+v, %v", i, found, err)
		}
		want := map[string]any{
			"Loan_ID": mixedID(i), "area": []any{nil, "Rural", "Semiurban", "Urban"}[i%4], "income": float64(i) / 3,
			"amount": []any{nil, 128.0, 66.5, 1e6}[i%4], "offset": int64(i) * int64(i%60), "at": time.UnixMicro(int64(i) * int64(i%60)).UTC(),
		}
		if i%7 == 0 {
			want["income"] = nil
		}
		if diff := cmp.Diff(want, found.Matches[0].Map()); diff != "" {
			t.Errorf("row %d (-want +got): %s", i, diff)
		}
	}
}

// A changed byte in the pages of a row is an error, not another row; in the
// filters it can hide a row.
func TestDamageIsTold(t *testing.T) {
	t.Parallel()
	const rows = 500
	part, at := written(t, rows, mixedID)
	id := mixedID(77)
	told := 0
	for i := 4; i < int(at.Filters[0].Offset)-40; i += 3 { // pages alone
		part[i] ^= 0x20
		found, err := Find(t.Context(), partOf(t, part, at), "batch", id)
		part[i] ^= 0x20
		switch {
		case errors.Is(err, ErrDamaged):
			told++
		case err != nil:
			t.Fatalf("byte %d: %v", i, err)
		case len(found.Matches) != 1 || found.Matches[0].Map()["Loan_ID"] != id:
			t.Fatalf("byte %d: %+v", i, found)
		}
	}
	if told == 0 {
		t.Error("no damage was told")
	}
}
