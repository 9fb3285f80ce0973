package sqs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Credentials are the one key pair that may sign requests.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
}

// Options configures [Open]. Path and Credentials are required.
type Options struct {
	Path        string           // the SQLite file; made when it does not exist. The directory must exist.
	Region      string           // default "us-east-1"
	AccountID   string           // 12 digits; default "000000000000"
	Credentials Credentials      // both parts are required
	Endpoint    string           // base of queue URLs, such as "http://127.0.0.1:9324"; default: the Host of each request
	Logger      *slog.Logger     // default: discards
	Now         func() time.Time // default time.Now; waiting always uses real timers

	maxPages int // tests only: a database that is full at so many pages
}

// Service is an open queue database. It is an [net/http.Handler], and its
// methods are safe for concurrent use.
type Service struct {
	opts    Options
	log     *slog.Logger
	db      *database
	signer  *v4.Signer // keeps the derived keys
	actions map[string]action

	admin  sync.Mutex // serialises changes to the set of queues
	mu     sync.RWMutex
	queues map[string]*queue
	byID   map[int64]*queue

	jobs   chan *job
	sweeps chan struct{} // asks the sweeper for a pass
	broken atomic.Pointer[error]

	endPolls  sync.Once
	pollsOver chan struct{}
	closeOnce sync.Once
	closing   chan struct{}
	closeErr  error
	writer    sync.WaitGroup
	workers   sync.WaitGroup
}

// Open opens or makes the database, checks every page and row of it, and
// starts the service. ctx bounds the opening alone. Checking takes time in
// proportion to the size of the file.
// Errors: [ErrCorrupt], [ErrLocked], [ErrFull], or one that names the field of Options.
func Open(ctx context.Context, opts Options) (*Service, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, opts.Path, opts.maxPages)
	if err != nil {
		return nil, err
	}
	s := &Service{
		opts: opts, log: opts.Logger, db: db, signer: v4.NewSigner(),
		queues: map[string]*queue{}, byID: map[int64]*queue{},
		jobs: make(chan *job), sweeps: make(chan struct{}, 1),
		pollsOver: make(chan struct{}), closing: make(chan struct{}),
	}
	s.actions = s.newActions()
	tasks, err := s.load(ctx)
	if err != nil {
		return nil, errors.Join(err, db.close())
	}
	// The goroutines below end with Close and not with the opening's context.
	run := context.WithoutCancel(ctx)
	s.writer.Go(func() { s.write(run) })
	s.workers.Go(func() { s.sweep(run) })
	for _, t := range tasks {
		s.startMove(run, t)
	}
	return s, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Path == "" {
		return o, errors.New("sqs options: Path is empty")
	}
	if o.Credentials.AccessKeyID == "" || o.Credentials.SecretAccessKey == "" {
		return o, errors.New("sqs options: Credentials are incomplete")
	}
	if o.Endpoint != "" {
		if u, err := url.Parse(o.Endpoint); err != nil || u.Host == "" {
			return o, fmt.Errorf("sqs options: Endpoint %q is not a URL such as http://127.0.0.1:9324", o.Endpoint)
		}
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.AccountID == "" {
		o.AccountID = "000000000000"
	}
	if !isAccountID(o.AccountID) {
		return o, fmt.Errorf("sqs options: AccountID %q is not 12 digits", o.AccountID)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

func isAccountID(id string) bool {
	if len(id) != 12 {
		return false
	}
	for _, c := range id {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// now is the service's clock in milliseconds since 1970, the unit of every
// time in the database.
func (s *Service) now() int64 { return s.opts.Now().UnixMilli() }

// EndPolls answers every long poll now and makes later ones return at once.
// Pass it to [net/http.Server.RegisterOnShutdown].
func (s *Service) EndPolls() {
	s.endPolls.Do(func() { close(s.pollsOver) })
}

// Close ends the long polls, finishes the running commit and closes the
// database. Calls that come later fail with [ErrClosed].
func (s *Service) Close() error {
	s.closeOnce.Do(func() {
		s.EndPolls()
		close(s.closing)
		s.writer.Wait() // first: it is what starts workers
		s.workers.Wait()
		s.closeErr = s.db.close()
	})
	return s.closeErr
}
