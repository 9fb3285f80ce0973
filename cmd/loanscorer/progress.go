package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows progress on a terminal and nothing elsewhere.
type bar struct {
	bar *progressbar.ProgressBar
}

// newBar begins a bar over bytes.
func newBar(w io.Writer, size int64, what string) *bar {
	return begin(w, size, what, progressbar.OptionShowBytes(true))
}

// newShareBar begins a bar over shares of a whole, 0 to 1000.
func newShareBar(w io.Writer, what string) *bar {
	return begin(w, 1000, what)
}

func begin(w io.Writer, size int64, what string, more ...progressbar.Option) *bar {
	if !isTerminal(w) || size <= 0 {
		return &bar{}
	}
	options := append([]progressbar.Option{
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(),
	}, more...)
	return &bar{bar: progressbar.NewOptions64(size, options...)}
}

func (b *bar) set(n int64) {
	if b.bar != nil {
		_ = b.bar.Set64(n)
	}
}

func (b *bar) done() {
	if b != nil && b.bar != nil {
		_ = b.bar.Finish()
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// count writes a number in groups for people: 1,234,567.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}

// took writes a duration for people.
func took(d time.Duration) string {
	return fmt.Sprint(d.Round(time.Millisecond))
}
