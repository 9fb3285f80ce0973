package s3gw

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const racers = 50

// race runs n writers at once and returns how many had which code.
func race(n int, write func(i int) error) map[string]int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			c := code(write(i))
			mu.Lock()
			codes[c]++
			mu.Unlock()
		})
	}
	close(begin)
	wg.Wait()
	return codes
}

func TestIfNoneMatchHasOneWinner(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	for round := range 5 {
		key := fmt.Sprintf("round/%d.json", round)
		var winner atomic.Int64
		codes := race(racers, func(i int) error {
			_, err := put(t.Context(), c, key, fmt.Sprintf("writer %d", i), ifNoneMatch)
			if err == nil {
				winner.Store(int64(i))
			}
			return err
		})
		if codes[""] != 1 || codes["PreconditionFailed"] != racers-1 {
			t.Fatalf("round %d: outcomes %v, want 1 success and %d PreconditionFailed", round, codes, racers-1)
		}
		if got, want := mustGet(t, c, key), fmt.Sprintf("writer %d", winner.Load()); got != want {
			t.Errorf("round %d: object is %q, want the winner's %q", round, got, want)
		}
	}
}

func TestIfMatchHasOneWinner(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	etag := mustPut(t, c, "doc.json", "first")
	codes := race(racers, func(i int) error {
		_, err := put(t.Context(), c, "doc.json", fmt.Sprintf("writer %d", i), ifMatch(etag))
		return err
	})
	if codes[""] != 1 || codes["PreconditionFailed"] != racers-1 {
		t.Fatalf("outcomes %v, want 1 success and %d PreconditionFailed", codes, racers-1)
	}
}

// Every writer reads, adds one and writes back if nobody else did: no addition may be lost.
func TestIfMatchCounter(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	mustPut(t, c, "counter", "")
	codes := race(8, func(int) error {
		for added := 0; added < 5; {
			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("counter")})
			if err != nil {
				return err
			}
			body, err := io.ReadAll(out.Body)
			if err != nil {
				return err
			}
			_, err = put(t.Context(), c, "counter", string(body)+"x", ifMatch(*out.ETag))
			switch code(err) {
			case "":
				added++
			case "PreconditionFailed":
			default:
				return err
			}
		}
		return nil
	})
	if codes[""] != 8 {
		t.Fatalf("outcomes %v", codes)
	}
	if got := mustGet(t, c, "counter"); len(got) != 40 {
		t.Errorf("counter is %d, want 40", len(got))
	}
}

func TestIfMatchOnMissingObject(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	if _, err := put(t.Context(), c, "none", "x", ifMatch(`"abc"`)); status(err) != 404 && status(err) != 412 {
		t.Errorf("If-Match on nothing: %v, want 404 or 412", err)
	}
}

// failure 33: content, ETag and If-Match of one GET come from one object.
func TestReadsAreWholeUnderOverwrite(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	const size = 64 << 10
	fill := func(i int) string { return strings.Repeat(string(rune('a'+i)), size) }
	etags := map[string]byte{}
	for i := range 4 {
		etags[mustPut(t, c, "file", fill(i))] = byte('a' + i)
	}
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_, _ = put(t.Context(), c, "file", fill(i%4))
			}
		}
	})
	codes := race(4, func(int) error {
		for range 100 {
			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("file")})
			if err != nil {
				return err
			}
			body, err := io.ReadAll(out.Body)
			if err != nil {
				return err
			}
			letter := etags[*out.ETag]
			if len(body) != size || strings.Trim(string(body), string(letter)) != "" {
				return fmt.Errorf("%d bytes of %q under the ETag of %q", len(body), body[:1], letter)
			}
		}
		return nil
	})
	close(stop)
	writer.Wait()
	if codes[""] != 4 {
		t.Errorf("readers: %v", codes)
	}
}
