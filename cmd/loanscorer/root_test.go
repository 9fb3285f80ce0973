package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// fullDisk refuses every write.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestLostOutputFails(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"model diff default default", "version", "--help"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			var errs bytes.Buffer
			code := run(t.Context(), strings.Fields(command), streams{in: strings.NewReader(""), out: fullDisk{}, err: &errs})
			if code != exitFailed || !strings.Contains(errs.String(), "no space left on device") {
				t.Errorf("%s ended with %d and %q, want 1 and the error of writing", command, code, errs.String())
			}
		})
	}
}
