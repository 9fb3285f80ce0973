package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// queue is one queue in memory. The fields before mu never change.
type queue struct {
	id      int64
	name    string
	created int64 // milliseconds since 1970

	config atomic.Pointer[config]

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change that a long poll waits for

	// Owned by the writer goroutine.
	inFlight int64 // never less than the true number of messages in flight
	purged   int64 // when PurgeQueue last ran; 0 = not since Open
}

// config is what attributes say; it is replaced whole.
type config struct {
	settings settings
	modified int64
}

func newQueue(id int64, name string, created int64, c *config) *queue {
	q := &queue{id: id, name: name, created: created, changed: make(chan struct{}), inFlight: maxInFlight}
	q.config.Store(c)
	return q
}

func (q *queue) settings() *settings { return &q.config.Load().settings }

// changes returns a channel that the next wake closes.
func (q *queue) changes() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.changed
}

// wake makes every long poll of the queue look again.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.changed)
	q.changed = make(chan struct{})
}

// lookup finds a queue by name; nil when there is none.
func (s *Service) lookup(name string) *queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[name]
}

// lookupID finds a queue by its row id; nil when it was deleted.
func (s *Service) lookupID(id int64) *queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id]
}

// sorted returns the queues that keep says yes to, by name.
func (s *Service) sorted(keep func(*queue) bool) []*queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*queue
	for _, q := range s.queues {
		if keep(q) {
			found = append(found, q)
		}
	}
	slices.SortFunc(found, func(a, b *queue) int { return strings.Compare(a.name, b.name) })
	return found
}

func (s *Service) publish(q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[q.name], s.byID[q.id] = q, q
}

func (s *Service) unpublish(q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, q.name)
	delete(s.byID, q.id)
}

// byURL finds the queue of a URL of any host whose path is /account/name.
func (s *Service) byURL(queueURL string) (*queue, error) {
	if queueURL == "" {
		return nil, missing("QueueUrl")
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil, kindQueueDoesNotExist.errorf("The specified queue URL %q is not a URL.", queueURL)
	}
	account, name, ok := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if !ok || account != s.opts.AccountID {
		return nil, kindQueueDoesNotExist.errorf("The queue URL %q does not end in /%s/name.", queueURL, s.opts.AccountID)
	}
	return s.byName(name)
}

func (s *Service) byName(name string) (*queue, error) {
	if q := s.lookup(name); q != nil {
		return q, nil
	}
	return nil, kindQueueDoesNotExist.errorf("The specified queue %q does not exist.", name)
}

// byARN finds a queue of this account and region; nil when there is none.
func (s *Service) byARN(arn string) *queue {
	name, ok := strings.CutPrefix(arn, s.arn(""))
	if !ok {
		return nil
	}
	return s.lookup(name)
}

func (s *Service) arn(name string) string {
	return "arn:aws:sqs:" + s.opts.Region + ":" + s.opts.AccountID + ":" + name
}

// QueueURL is the URL of the queue of that name, whether it exists or not.
// It needs Options.Endpoint.
func (s *Service) QueueURL(name string) string { return s.queueURL("", name) }

func (s *Service) queueURL(host, name string) string {
	base := strings.TrimRight(s.opts.Endpoint, "/")
	if base == "" {
		base = "http://" + host
	}
	return base + "/" + s.opts.AccountID + "/" + name
}

// load reads the queues and the unfinished move tasks.
func (s *Service) load(ctx context.Context) ([]move, error) {
	rows, err := s.db.conn.QueryContext(ctx, "SELECT id, name, created, modified, attributes, sum FROM queues")
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err is checked
	for rows.Next() {
		var id, created, modified, sum int64
		var name, text string
		if err := rows.Scan(&id, &name, &created, &modified, &text, &sum); err != nil {
			return nil, classify(err)
		}
		if sum != queueSum(id, name, created, modified, text) {
			return nil, fmt.Errorf("%w: row of queue %q does not match its checksum", ErrCorrupt, name)
		}
		c := &config{modified: modified}
		if err := json.Unmarshal([]byte(text), &c.settings); err != nil {
			return nil, fmt.Errorf("%w: attributes of queue %q: %w", ErrCorrupt, name, err)
		}
		s.publish(newQueue(id, name, created, c))
	}
	if err := rows.Err(); err != nil {
		return nil, classify(err)
	}
	return s.loadMoves(ctx)
}

func queueSum(id int64, name string, created, modified int64, attributes string) int64 {
	text := fmt.Sprintf("%d %q %d %d %s", id, name, created, modified, attributes)
	return int64(crc32.Checksum([]byte(text), castagnoli))
}
