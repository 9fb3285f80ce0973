package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/loanscorer/loanscorer/internal/local/s3gw"
	"github.com/loanscorer/loanscorer/internal/local/sqs"
)

// ErrAddrInUse is wrapped by Start when another program listens on one of the addresses.
var ErrAddrInUse = s3gw.ErrAddrInUse

// Options configures a Server. Dir is required.
type Options struct {
	// Dir is the data directory. It is made when missing, for this user alone.
	Dir string
	// S3Addr is the host:port of the S3 endpoint; default "127.0.0.1:9000", port 0 for any.
	S3Addr string
	// SQSAddr is the host:port of the SQS endpoint; default "127.0.0.1:9324", port 0 for any.
	SQSAddr string
	// Region that requests are signed for; default "us-east-1".
	Region string
	// Bucket is made when missing; default none.
	Bucket string
	// Queues are made, or changed to these settings, each with its dead-letter queue.
	Queues []Queue
	// UploadsPrefix selects the keys whose objects are announced; default all.
	UploadsPrefix string
	// NotifyQueue is the queue, one of Queues, for the events of Bucket; default none.
	NotifyQueue string
	// Logger for faults; default: discard.
	Logger *slog.Logger
}

// Queue is a queue with a dead-letter queue named Name + "-dlq".
type Queue struct {
	// Name of the queue.
	Name string
	// VisibilityTimeout, in whole seconds; default 30 s.
	VisibilityTimeout time.Duration
	// MaxReceives before a message goes to the dead-letter queue; default 5.
	MaxReceives int
}

// Server is the two running servers.
type Server struct {
	log     *slog.Logger
	creds   Credentials
	first   bool
	lock    *dirLock
	s3      *s3gw.Gateway
	queues  *sqs.Service
	http    *http.Server
	sqsAddr string
	fatal   chan error
	wg      sync.WaitGroup
	closing chan struct{}
	once    sync.Once
	err     error // of Close
}

// Start opens the directory and serves. ctx bounds the start alone. See s3gw.Start for
// what it does to standard output meanwhile.
//
// Errors: ErrLocked, ErrAddrInUse, ErrDiskFull, s3gw.ErrNoXattr, sqs.ErrCorrupt, or one that
// names the directory or the address. The text says what to do.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	lock, err := openDir(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{log: o.Logger, lock: lock, fatal: make(chan error, 1), closing: make(chan struct{})}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("local: Dir is required")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("data directory %s: %w", o.Dir, err)
	}
	o.Dir = dir
	for _, d := range []struct {
		field    *string
		fallback string
	}{{&o.S3Addr, "127.0.0.1:9000"}, {&o.SQSAddr, "127.0.0.1:9324"}, {&o.Region, "us-east-1"}} {
		if *d.field == "" {
			*d.field = d.fallback
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.NotifyQueue != "" && o.Bucket == "" {
		return o, errors.New("local: NotifyQueue needs Bucket")
	}
	return o, nil
}

// start opens the parts one after the other: the queues before the store that notifies them.
func (s *Server) start(ctx context.Context, o Options) (err error) {
	s.creds, s.first, err = openCredentials(o.Dir, o.Region)
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", o.SQSAddr)
	if err != nil {
		return listenError("sqs", o.SQSAddr, err)
	}
	s.sqsAddr = clientAddr(o.SQSAddr, ln.Addr())
	s.queues, err = sqs.Open(ctx, sqs.Options{
		Path: filepath.Join(o.Dir, "queues.db"), Region: o.Region, Endpoint: s.SQSEndpoint(), Logger: o.Logger,
		Credentials: sqs.Credentials{AccessKeyID: s.creds.AccessKeyID, SecretAccessKey: s.creds.SecretAccessKey},
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if err := s.makeQueues(ctx, o); err != nil {
		return errors.Join(err, ln.Close())
	}
	s.serveSQS(ln)
	return s.startS3(ctx, o)
}

func (s *Server) makeQueues(ctx context.Context, o Options) error {
	notify := o.NotifyQueue == ""
	for _, q := range o.Queues {
		if err := s.CreateQueue(ctx, q); err != nil {
			return err
		}
		notify = notify || q.Name == o.NotifyQueue
	}
	if !notify {
		return fmt.Errorf("local: NotifyQueue %q is not one of Queues", o.NotifyQueue)
	}
	return nil
}

func (s *Server) startS3(ctx context.Context, o Options) (err error) {
	var hook func(context.Context, s3gw.Event) error
	if o.NotifyQueue != "" {
		n := &notifier{
			bucket: o.Bucket, prefix: o.UploadsPrefix, queue: o.NotifyQueue, region: o.Region,
			send: func(ctx context.Context, queue, body string) error {
				_, err := s.queues.Send(ctx, queue, body, nil)
				return err
			},
		}
		hook = n.created
	}
	s.s3, err = s3gw.Start(ctx, s3gw.Options{
		Dir: filepath.Join(o.Dir, "s3"), Addr: o.S3Addr, Region: o.Region, OnCreated: hook, Logger: o.Logger,
		AccessKeyID: s.creds.AccessKeyID, SecretAccessKey: s.creds.SecretAccessKey,
	})
	if err != nil {
		return err
	}
	s.watch("s3", s.s3.Done(), s.s3.Err)
	if o.Bucket == "" {
		return nil
	}
	if err := s.CreateBucket(ctx, o.Bucket); err != nil {
		return fmt.Errorf("bucket %s: %w", o.Bucket, err)
	}
	return nil
}

// serveSQS serves the queues on ln.
func (s *Server) serveSQS(ln net.Listener) {
	fresh := &unused{conns: map[net.Conn]struct{}{}}
	s.http = &http.Server{
		ConnState:         fresh.state,
		Handler:           s.queues,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second, // a long poll lasts 20 s
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.http.RegisterOnShutdown(s.queues.EndPolls)
	s.http.RegisterOnShutdown(fresh.close)
	var err error
	done := make(chan struct{})
	s.wg.Go(func() {
		defer close(done)
		if e := s.http.Serve(ln); !errors.Is(e, http.ErrServerClosed) {
			err = e
		}
	})
	s.watch("sqs", done, func() error { return err })
}

// watch reports it when a server stops that was not asked to.
func (s *Server) watch(name string, done <-chan struct{}, err func() error) {
	s.wg.Go(func() {
		<-done
		select {
		case <-s.closing:
			return
		default:
		}
		e := err()
		if e == nil {
			e = errors.New("stopped listening")
		}
		select {
		case s.fatal <- fmt.Errorf("%s endpoint: %w", name, e):
		default: // the first one is enough
		}
	})
}

// S3Endpoint is the URL of the S3 server, such as "http://127.0.0.1:9000".
func (s *Server) S3Endpoint() string { return "http://" + s.s3.Addr() }

// SQSEndpoint is the URL of the SQS server, such as "http://127.0.0.1:9324".
func (s *Server) SQSEndpoint() string { return "http://" + s.sqsAddr }

// Credentials are what clients sign with.
func (s *Server) Credentials() Credentials { return s.creds }

// FirstStart says that this start made the credentials.
func (s *Server) FirstStart() bool { return s.first }

// QueueURL is the URL of a queue, whether it exists or not.
func (s *Server) QueueURL(name string) string { return s.queues.QueueURL(name) }

// Err receives one error if a server stops that was not closed.
func (s *Server) Err() <-chan error { return s.fatal }

// CreateBucket makes a bucket; one that exists is kept.
func (s *Server) CreateBucket(ctx context.Context, name string) error {
	return s.s3.CreateBucket(ctx, name)
}

// Close stops listening, waits for the requests in flight until ctx ends, closes the store
// and the queues, and lets go of the directory. The second call returns what the first did.
func (s *Server) Close(ctx context.Context) error {
	s.once.Do(func() {
		close(s.closing)
		var errs []error
		if s.s3 != nil { // first: it sends to the queues
			errs = append(errs, s.s3.Close(ctx))
		}
		if s.http != nil {
			if err := s.http.Shutdown(ctx); err != nil {
				errs = append(errs, fmt.Errorf("sqs requests still in flight: %w", err), s.http.Close())
			}
		}
		if s.queues != nil {
			errs = append(errs, s.queues.Close())
		}
		if err := errors.Join(errs...); err != nil {
			s.err = err // the store may still be in use: the lock ends with the process
			return
		}
		s.wg.Wait()
		s.err = s.lock.release()
	})
	return s.err
}
