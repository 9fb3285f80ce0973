package scorer

import (
	"context"
	"log/slog"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
)

// orphanDays is how many days of claims one look covers, so that a look that
// was missed is made up for.
const orphanDays = 3

// maxOrphans bounds how many are named.
const maxOrphans = 1000

// Orphan is a claim that nothing will finish by itself: no file was ever
// committed for it, and its message is gone from the queues.
type Orphan struct {
	ID        string    `json:"id"`
	ClaimedAt time.Time `json:"claimed_at"`
	Last      bool      `json:"last"` // reads as failed; the others read as scoring
}

// Orphans returns the claims of the days whose messages have just come to the
// end of their retention, at most 1,000, and logs how many there are.
func (c *Compactor) Orphans(ctx context.Context) ([]Orphan, error) {
	var orphans []Orphan
	seen := map[string]bool{}
	for back := range orphanDays {
		// Every moment of that day is older than the retention.
		day := status.Day(c.o.Now().Add(-c.o.Retention).AddDate(0, 0, -1-back))
		err := c.openClaims(ctx, day, func(claim openClaim) error {
			if id := claim.doc.ID; !seen[id] && len(orphans) < maxOrphans {
				seen[id] = true
				orphans = append(orphans, Orphan{ID: id, ClaimedAt: claim.doc.ClaimedAt, Last: claim.doc.Last})
			}
			return nil
		})
		if err != nil {
			return orphans, err
		}
	}
	if len(orphans) > 0 {
		c.o.Logger.LogAttrs(ctx, slog.LevelError, "claims without a result whose message is gone",
			slog.Int("applications", len(orphans)), slog.Any("ids", first(orphans, 20)))
	}
	return orphans, nil
}

func first(orphans []Orphan, n int) []string {
	var ids []string
	for _, o := range orphans[:min(n, len(orphans))] {
		ids = append(ids, o.ID)
	}
	return ids
}
