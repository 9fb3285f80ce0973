package sqs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// failure 73: a full disk acknowledges nothing, keeps what it has, and goes on
// when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	opts.maxPages = 60
	f := newFixture(t, opts, nil)
	body := strings.Repeat("x", 10_000)
	stored := 0
	var err error
	for ; err == nil && stored < 1000; stored++ {
		_, err = f.service.Send(t.Context(), "work", body, nil)
	}
	stored--
	if !errors.Is(err, ErrFull) || stored < 5 {
		t.Fatalf("after %d messages: %v, want ErrFull", stored, err)
	}
	_, err = f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: &body})
	var response *awshttp.ResponseError
	if code(err) != "ServiceUnavailable" || !errors.As(err, &response) || response.HTTPStatusCode() != 503 {
		t.Errorf("a send to the full disk: %v, want 503 ServiceUnavailable", err)
	}
	if n := rowCount(t, f.service); n != stored {
		t.Errorf("%d messages are stored, want the %d that were acknowledged", n, stored)
	}
	for _, m := range f.receive() { // deleting makes room
		f.delete(m)
		stored--
	}
	f.send(body)
	f.must(f.service.Close())
	if n := rowCount(t, open(t, opts)); n != stored+1 {
		t.Errorf("%d messages after the restart, want %d", n, stored+1)
	}
}

// One call that does not fit must not take down those that share its commit.
func TestGroupFailsByCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), nil)
		q := f.service.lookup("work")
		busy, attempts := make(chan struct{}), make([]int, 3)
		go f.service.do(t.Context(), func(context.Context, *transaction) error { <-busy; return nil })
		synctest.Wait()
		var calls sync.WaitGroup
		for i := range attempts {
			m, err := (&outgoing{MessageBody: new(strconv.Itoa(i))}).message(q)
			f.must(err)
			calls.Go(func() {
				err := f.service.do(t.Context(), func(ctx context.Context, tx *transaction) error {
					attempts[i]++
					row := *m
					if err := tx.insert(ctx, &row); err != nil || i != 1 {
						return err
					}
					return fmt.Errorf("message %d: %w", i, ErrFull)
				})
				if got := errors.Is(err, ErrFull); got != (i == 1) {
					t.Errorf("call %d: %v", i, err)
				}
			})
		}
		synctest.Wait() // all three wait for the writer: they will share a commit
		close(busy)
		calls.Wait()
		if attempts[1] != 2 {
			t.Errorf("attempts %v: the calls did not share a commit", attempts)
		}
		if n := rowCount(t, f.service); n != 2 {
			t.Errorf("%d messages, want those of the two good calls", n)
		}
	})
}

// failure 73: damage that appears while the service runs stops it, loudly.
func TestDamageWhileRunning(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"body":  "UPDATE content SET body='other'",
		"lost":  "DELETE FROM content",
		"state": "UPDATE state SET receives=7",
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines bytes.Buffer
			opts := testOptions(t)
			opts.Logger = logLines(&lines)
			f := newFixture(t, opts, nil)
			f.send("a")
			f.must(f.service.do(t.Context(), func(ctx context.Context, tx *transaction) error {
				_, err := tx.conn.ExecContext(ctx, damage)
				return err
			}))
			for _, call := range []func() error{
				func() error {
					_, err := f.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: f.url})
					return err
				},
				func() error {
					_, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: new("b")})
					return err
				},
			} {
				if err := call(); code(err) != "ServiceUnavailable" {
					t.Errorf("after the damage: %v, want ServiceUnavailable", err)
				}
			}
			f.must(f.service.Close())
			if n := strings.Count(lines.String(), "level=ERROR"); n != 1 || !strings.Contains(lines.String(), "message row 1") {
				t.Errorf("%d error lines, want one that names the row: %s", n, lines.String())
			}
			if _, err := Open(t.Context(), opts); !errors.Is(err, ErrCorrupt) {
				t.Errorf("open again: %v, want ErrCorrupt", err)
			}
		})
	}
}
