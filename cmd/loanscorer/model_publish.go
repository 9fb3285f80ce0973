package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/scorer"
)

func publishCommand(s streams) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:   "publish MODEL",
		Short: "Put a model into the bucket, so that services can be told to use it",
		Long: `Check a model and put it into the bucket under its SHA-256, where it stays for ever.
Nothing scores with it yet: tell the services its SHA-256 when they are started or
deployed, as the answer says. What they begin then is scored with it; files that were
planned before keep the model of their plan. Going back is the same with the SHA-256 of
before.`,
		Example: `  loanscorer model publish forest.json --s3-endpoint aws --bucket my-bucket
  make deploy PARAMETERS=Model=$(loanscorer model publish forest.json --s3-endpoint aws --bucket my-bucket)`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := loadModel(args[0])
			if err != nil {
				return err
			}
			if _, err := scorer.New(m); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			objects, err := c.store(cmd.Context())
			if err != nil {
				return err
			}
			if err := publish(cmd.Context(), objects, m); err != nil {
				return err
			}
			_, _ = fmt.Fprintln(s.out, m.SHA256())
			cmd.PrintErrf("%s %s is in the bucket. Use it:\n"+
				"  on Lambda      make deploy PARAMETERS=Model=%s\n"+
				"  otherwise      LOANSCORER_MODEL=%s, and restart api and worker\n"+
				"  to compare     the same with Shadow and LOANSCORER_SHADOW: it decides nothing yet\n",
				m.Name(), m.Version(), m.SHA256(), m.SHA256())
			return nil
		},
	}
	c.storeFlags(cmd.Flags())
	return cmd
}

// publish writes the model under its SHA-256, or finds the very same there.
func publish(ctx context.Context, objects *store.Store, m *model.Model) error {
	key := status.ModelKey(m.SHA256())
	_, err := objects.Create(ctx, key, m.Bytes(), store.PutOptions{ContentType: "application/json"})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	data, _, err := objects.Get(ctx, key, maxModelFile)
	if err != nil {
		return err
	}
	if !bytes.Equal(data, m.Bytes()) {
		return fmt.Errorf("%q: holds other bytes than this model: %w", key, model.ErrCorrupt)
	}
	return nil
}

// published reports whether --model names a model in the bucket, by its SHA-256.
func (o *modelFlags) published() bool {
	_, err := hex.DecodeString(o.path)
	return err == nil && len(o.path) == 2*sha256.Size
}

// fetch takes the model from the bucket if that is where it is.
func (o *modelFlags) fetch(ctx context.Context, objects *store.Store) error {
	if !o.published() || o.loaded != nil {
		return nil
	}
	want := strings.ToLower(o.path)
	if o.sha256 != "" && !strings.EqualFold(o.sha256, want) {
		return identify("the model in the bucket", want, o.sha256)
	}
	data, _, err := objects.Get(ctx, status.ModelKey(want), maxModelFile)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("no model %s in the bucket: put it there with 'loanscorer model publish'", want)
	}
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	sum := sha256.Sum256(data)
	if err := identify("the model in the bucket", hex.EncodeToString(sum[:]), want); err != nil {
		return err
	}
	m, err := model.Parse(data)
	if err != nil {
		return fmt.Errorf("model %s: %w", want, err)
	}
	if err := m.Compile(); err != nil {
		return fmt.Errorf("model %s: %w", want, err)
	}
	o.loaded = m
	return nil
}
