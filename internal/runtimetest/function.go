package runtimetest

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options describe a function. Program is required.
type Options struct {
	Program []string      // the command line of one process
	Env     []string      // NAME=value, beside what Lambda sets
	Timeout time.Duration // of an invocation, 30 s
	Memory  int           // MB, 1769
	ARN     string        // of the function

	dir string // of the logs
}

// Outcome says how an invocation ended.
type Outcome string

// The outcomes.
const (
	OK        Outcome = "ok"
	Failed    Outcome = "failed"     // the function answered with an error
	InitError Outcome = "init error" // the function told why it cannot begin
	Exited    Outcome = "exited"     // the process ended without an answer
	TimedOut  Outcome = "timed out"  // killed at the deadline
)

// Answer is what became of an invocation.
type Answer struct {
	Outcome Outcome
	Payload []byte // the answer, or the error's JSON
	Cold    bool   // a new process was started for it
	Init    time.Duration
}

// Function runs invocations. It is safe for concurrent use.
type Function struct {
	tb testing.TB
	o  Options

	mu   sync.Mutex
	idle []*environment
	all  []*environment
	n    int // invocations so far
	done map[Outcome]int
}

// New returns a function without a process. Its processes end with the test.
func New(tb testing.TB, o Options) *Function {
	tb.Helper()
	if len(o.Program) == 0 {
		tb.Fatal("runtimetest: Program is required")
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Memory == 0 {
		o.Memory = 1769
	}
	if o.ARN == "" {
		o.ARN = "arn:aws:lambda:us-east-1:123456789012:function:loanscorer"
	}
	o.dir = tb.TempDir()
	f := &Function{tb: tb, o: o, done: map[Outcome]int{}}
	tb.Cleanup(func() {
		f.mu.Lock()
		all := f.all
		f.mu.Unlock()
		for _, e := range all {
			e.end()
		}
	})
	return f
}

// Invoke runs the function once and returns how that ended.
func (f *Function) Invoke(ctx context.Context, payload []byte) Answer {
	e, cold, err := f.environment(ctx)
	if err != nil {
		return Answer{Outcome: Exited, Payload: []byte(err.Error()), Cold: true}
	}
	f.mu.Lock()
	f.n++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", f.n)
	f.mu.Unlock()
	a := e.invoke(ctx, id, payload)
	a.Cold, a.Init = cold, e.initTook()
	keep := a.Outcome == OK || a.Outcome == Failed
	f.mu.Lock()
	f.done[a.Outcome]++
	if keep {
		f.idle = append(f.idle, e)
	}
	f.mu.Unlock()
	if !keep {
		e.end()
	}
	return a
}

// Count is how many invocations have ended so.
func (f *Function) Count(o Outcome) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done[o]
}

// KillAll kills every process at once, as kill -9 does. Invocations in hand end
// as Exited.
func (f *Function) KillAll() {
	f.mu.Lock()
	all := f.all
	f.idle = nil
	f.mu.Unlock()
	for _, e := range all {
		e.kill()
	}
}

// Log is what all processes have written to standard output and error.
func (f *Function) Log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var text strings.Builder
	for _, e := range f.all {
		data, err := os.ReadFile(e.log.Name())
		if err != nil {
			f.tb.Error(err)
		}
		text.Write(data)
	}
	return text.String()
}

// environment is an idle one that still lives, or a new one.
func (f *Function) environment(ctx context.Context) (*environment, bool, error) {
	f.mu.Lock()
	for len(f.idle) > 0 {
		e := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if e.alive() {
			f.mu.Unlock()
			return e, false, nil
		}
	}
	f.mu.Unlock()
	e, err := start(ctx, &f.o)
	if err != nil {
		return nil, true, err
	}
	f.mu.Lock()
	f.all = append(f.all, e)
	f.mu.Unlock()
	return e, true, nil
}

// environ is what a process finds: nothing of the test's own environment.
func (o *Options) environ(runtimeAPI string) []string {
	env := []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAPI, "AWS_LAMBDA_FUNCTION_NAME=loanscorer", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(o.Memory), "_HANDLER=bootstrap", "TZ=:UTC",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
	}
	return append(env, o.Env...)
}
