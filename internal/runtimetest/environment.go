package runtimetest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// patience is how long a process may take to begin.
const patience = 20 * time.Second

// environment is one process and its Runtime API.
type environment struct {
	o      *Options
	cmd    *exec.Cmd
	server *http.Server
	log    *os.File // of the process, which writes to it directly

	polls    chan struct{}   // a poll for the next invocation has come
	next     chan invocation // to the poll
	answers  chan Answer     // of the invocation in hand
	initFail chan []byte
	exited   chan struct{}

	mu      sync.Mutex
	started time.Time
	init    time.Duration // from the start to the first poll
	hand    string        // id of the invocation in hand
}

type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
}

// start begins a process; it may still fail to begin.
func start(ctx context.Context, o *Options) (*environment, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &environment{
		o: o, polls: make(chan struct{}, 1), next: make(chan invocation),
		answers: make(chan Answer, 1), initFail: make(chan []byte, 1), exited: make(chan struct{}),
	}
	if e.log, err = os.CreateTemp(o.dir, "log"); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	e.server = &http.Server{Handler: e.routes(), ReadHeaderTimeout: patience}
	go func() { _ = e.server.Serve(l) }()                // ends with end
	e.cmd = exec.Command(o.Program[0], o.Program[1:]...) //nolint:gosec,noctx // the test's own program; it ends by kill
	e.cmd.Env = o.environ(l.Addr().String())
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
	e.mu.Lock()
	e.started = time.Now()
	e.mu.Unlock()
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(err, e.server.Close())
	}
	go func() {
		_ = e.cmd.Wait()
		close(e.exited)
	}()
	return e, nil
}

// routes are the Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (e *environment) routes() http.Handler {
	mux := http.NewServeMux()
	const base = "/2018-06-01/runtime"
	mux.HandleFunc("GET "+base+"/invocation/next", e.giveNext)
	mux.HandleFunc("POST "+base+"/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		e.take(w, r, OK)
	})
	mux.HandleFunc("POST "+base+"/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		e.take(w, r, Failed)
	})
	mux.HandleFunc("POST "+base+"/init/error", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.initFail <- body
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// giveNext answers a poll as soon as there is an invocation.
func (e *environment) giveNext(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	if e.init == 0 {
		e.init = time.Since(e.started)
	}
	e.mu.Unlock()
	e.polls <- struct{}{}
	select {
	case in := <-e.next:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", e.o.ARN)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(in.payload)
	case <-r.Context().Done():
	}
}

// take receives the answer of the invocation in hand; any other is refused, as
// Lambda does.
func (e *environment) take(w http.ResponseWriter, r *http.Request, outcome Outcome) {
	body, err := io.ReadAll(r.Body)
	e.mu.Lock()
	mine := r.PathValue("id") == e.hand && err == nil
	if mine {
		e.hand = ""
	}
	e.mu.Unlock()
	if !mine {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	e.answers <- Answer{Outcome: outcome, Payload: body}
}

// invoke waits for the process to ask for work, gives it this, and waits for
// the answer, at most until the deadline.
func (e *environment) invoke(ctx context.Context, id string, payload []byte) Answer {
	begin := time.NewTimer(patience)
	defer begin.Stop()
	select {
	case <-e.polls:
	case body := <-e.initFail:
		return Answer{Outcome: InitError, Payload: body}
	case <-e.exited:
		return e.gone()
	case <-begin.C:
		return Answer{Outcome: TimedOut, Payload: []byte("the process does not ask for work")}
	case <-ctx.Done():
		return Answer{Outcome: Exited, Payload: []byte(ctx.Err().Error())}
	}
	deadline := time.Now().Add(e.o.Timeout)
	e.mu.Lock()
	e.hand = id
	e.mu.Unlock()
	e.signal(syscall.SIGCONT)
	select {
	case e.next <- invocation{id: id, payload: payload, deadline: deadline}:
	case <-e.exited:
		return e.gone()
	}
	end := time.NewTimer(time.Until(deadline))
	defer end.Stop()
	select {
	case a := <-e.answers:
		e.freeze(ctx)
		return a
	case <-e.exited:
		return e.gone()
	case <-end.C:
		e.kill()
		return Answer{Outcome: TimedOut}
	case <-ctx.Done():
		e.kill()
		return Answer{Outcome: Exited, Payload: []byte(ctx.Err().Error())}
	}
}

// freeze stops the process once it asks for the next invocation: an invocation
// is complete only then.
func (e *environment) freeze(ctx context.Context) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-e.polls:
		e.polls <- struct{}{} // for the next invoke
		e.signal(syscall.SIGSTOP)
	case <-e.exited:
	case <-late.C:
	case <-ctx.Done():
	}
}

// gone is the answer of a process that has ended, perhaps after an init error.
func (e *environment) gone() Answer {
	select {
	case body := <-e.initFail:
		return Answer{Outcome: InitError, Payload: body}
	default:
		return Answer{Outcome: Exited, Payload: []byte(e.cmd.ProcessState.String())}
	}
}

func (e *environment) alive() bool {
	select {
	case <-e.exited:
		return false
	default:
		return true
	}
}

func (e *environment) signal(s syscall.Signal) { _ = e.cmd.Process.Signal(s) } // it may have ended

// kill ends the process as kill -9 does and waits until it is gone.
func (e *environment) kill() {
	_ = e.cmd.Process.Kill()
	<-e.exited
}

// end kills the process and closes its Runtime API.
func (e *environment) end() {
	e.kill()
	_ = e.server.Close()
	_ = e.log.Close()
}

func (e *environment) initTook() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.init
}
