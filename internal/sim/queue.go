package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/loanscorer/loanscorer/events"
)

// QueueOptions describe a queue. The zero value delivers once and in any order.
type QueueOptions struct {
	Visibility  time.Duration // how long a delivered message is hidden
	MaxReceives int           // deliveries before the dead-letter queue; 0 is no end
	Twice       float64       // chance that a delivered message stays visible to others
	Deaf        float64       // chance that a deletion has no effect
	Until       time.Time     // Twice and Deaf end here; zero is no end
}

// Queue is a queue in memory that delivers at least once, in any order. It is
// safe for concurrent use.
type Queue struct {
	o        QueueOptions
	dice     Dice
	mu       sync.Mutex
	live     []*message
	dead     []*message
	sent     int
	received int
}

type message struct {
	id       string
	body     string
	sentAt   time.Time
	receives int
	visible  time.Time
}

// Delivery is one message in the hands of one worker.
type Delivery struct {
	events.Message
	message *message
}

// NewQueue returns an empty queue.
func NewQueue(dice Dice, o QueueOptions) *Queue { return &Queue{o: o, dice: dice} }

// Send puts a message into the queue.
func (q *Queue) Send(body string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent++
	q.live = append(q.live, &message{id: numbered("m", q.sent), body: body, sentAt: time.Now(), visible: time.Now()})
}

// Receive delivers up to n visible messages, chosen and ordered by chance.
func (q *Queue) Receive(n int) []Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.received++
	r := q.dice.For("receive", q.received)
	now := time.Now()
	var out []Delivery
	order := r.Perm(len(q.live))
	candidates := slices.Clone(q.live)
	for _, i := range order {
		m := candidates[i]
		if len(out) == n {
			break
		}
		if m.visible.After(now) {
			continue
		}
		if q.o.MaxReceives > 0 && m.receives >= q.o.MaxReceives {
			q.bury(m)
			continue
		}
		m.receives++
		m.visible = now.Add(q.hidden(r, now))
		out = append(out, Delivery{message: m, Message: events.Message{
			ID: m.id, Body: []byte(m.body), Receives: m.receives, SentAt: m.sentAt,
		}})
	}
	return out
}

// hidden is how long a delivered message stays invisible.
func (q *Queue) hidden(r *rand.Rand, now time.Time) time.Duration {
	if r.Float64() < q.o.Twice && !q.quiet(now) {
		return 0
	}
	return q.o.Visibility
}

func (q *Queue) quiet(now time.Time) bool { return !q.o.Until.IsZero() && now.After(q.o.Until) }

func (q *Queue) bury(m *message) {
	q.live = slices.DeleteFunc(q.live, func(x *message) bool { return x == m })
	q.dead = append(q.dead, m)
}

// Delete acknowledges a delivery. It may have no effect.
func (q *Queue) Delete(d Delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.dice.For("delete "+d.ID, d.Receives)
	if r.Float64() < q.o.Deaf && !q.quiet(time.Now()) {
		return
	}
	q.live = slices.DeleteFunc(q.live, func(x *message) bool { return x == d.message })
}

// Return makes a delivered message visible again after d.
func (q *Queue) Return(d Delivery, after time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	d.message.visible = time.Now().Add(after)
}

// Redrive moves the dead letters back, as new messages, and returns how many.
func (q *Queue) Redrive() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.dead)
	for _, m := range q.dead {
		q.sent++
		q.live = append(q.live, &message{id: numbered("m", q.sent), body: m.body, sentAt: m.sentAt, visible: time.Now()})
	}
	q.dead = nil
	return n
}

// Len tells how many messages wait or are in work, and how many are dead
// letters.
func (q *Queue) Len() (live, dead int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.live), len(q.dead)
}

// Sender is one process's way to put messages into a queue, with faults.
type Sender struct {
	queue   *Queue
	process *Process
}

// NewSender returns the process's sender.
func NewSender(q *Queue, p *Process) *Sender { return &Sender{queue: q, process: p} }

// SendAll is (*events.Sender).SendAll: messages may be taken and reported as
// not taken, and the process may die anywhere between them.
func (s *Sender) SendAll(ctx context.Context, bodies []string, _ string) []error {
	errs := make([]error, len(bodies))
	failed := false
	f := s.process.faults
	for i, body := range bodies {
		r := s.process.roll("send " + body)
		chosen := f.pick(r, true)
		err := wait(ctx, f.latency(r))
		switch {
		case s.process.Dead():
			err = ErrDead
		case err != nil:
		case chosen == refused:
			err = fmt.Errorf("send: %w", ErrFault)
		case chosen == crashBefore:
			err = s.process.die()
		default:
			s.queue.Send(body)
			err = s.after(chosen, body)
		}
		errs[i] = err
		failed = failed || err != nil
	}
	if !failed {
		return nil
	}
	return errs
}

// after is what a sender is told of a message that was taken.
func (s *Sender) after(chosen outcome, body string) error {
	switch chosen {
	case lost, late:
		return fmt.Errorf("send: %w", ErrFault)
	case repeated, echo:
		s.queue.Send(body)
	case crashAfter, crashLate:
		return s.process.die()
	}
	return nil
}
