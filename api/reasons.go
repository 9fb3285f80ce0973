package api

import (
	"context"
	"sync"

	"github.com/loanscorer/loanscorer/internal/status"
)

// maxTables is how many tables of reasons are kept in memory.
const maxTables = 16

// words are the texts of one reason, by language.
type words map[string]string

// reasonTexts keeps the texts of the tables that batches name. A table is
// written once, so it is read once. It is safe for concurrent use.
type reasonTexts struct {
	mu     sync.Mutex
	tables map[string]map[string]words // by SHA-256, then by code
}

// reasonCounts are the first reasons of a finished batch with their texts. A
// table that is gone costs the texts alone.
func (s *service) reasonCounts(ctx context.Context, sum *status.Summary) ([]ReasonCount, error) {
	list := []ReasonCount{}
	if sum.Reasons == nil || len(sum.Tally.Reasons) == 0 {
		return list, nil
	}
	texts, err := s.textsOf(ctx, sum.Reasons.SHA256)
	if err != nil {
		return nil, err
	}
	for _, code := range sum.Tally.FirstReasons() {
		text := texts[code]
		list = append(list, ReasonCount{Code: code, Rows: sum.Tally.Reasons[code], Text: text["en"], TextPT: text["pt"]})
	}
	return list, nil
}

func (s *service) textsOf(ctx context.Context, sha string) (map[string]words, error) {
	s.reasons.mu.Lock()
	texts, ok := s.reasons.tables[sha]
	s.reasons.mu.Unlock()
	if ok {
		return texts, nil
	}
	var table struct {
		Reasons []struct {
			Code string `json:"code"`
			Text words  `json:"text"`
		} `json:"reasons"`
	}
	found, err := s.document(ctx, status.ReasonsKey(sha), maxDocument, &table)
	if err != nil || !found {
		return nil, err
	}
	texts = make(map[string]words, len(table.Reasons))
	for _, r := range table.Reasons {
		texts[r.Code] = r.Text
	}
	s.reasons.mu.Lock()
	defer s.reasons.mu.Unlock()
	if s.reasons.tables == nil || len(s.reasons.tables) >= maxTables {
		s.reasons.tables = map[string]map[string]words{}
	}
	s.reasons.tables[sha] = texts
	return texts, nil
}
