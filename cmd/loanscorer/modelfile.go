package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/model"
)

// errOtherModel says that a model is not the one that was asked for.
var errOtherModel = errors.New("this is not the model with the wanted SHA-256")

// modelFlags name the model to score with.
type modelFlags struct {
	path   string // empty: the built-in model
	sha256 string // empty: any
	loaded *model.Model
}

func (o *modelFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&o.path, "model", "", "model file, or for services the SHA-256 of a published model (default: the built-in model)")
	f.StringVar(&o.sha256, "model-sha256", "", "SHA-256 that the model must have, as 'loanscorer model show' prints it")
}

// load reads the model once, and checks its identity before anything else. The
// model is ready to score: its compiled form has passed the self-test.
func (o *modelFlags) load() (*model.Model, error) {
	if o.loaded != nil {
		return o.loaded, nil
	}
	want := strings.ToLower(o.sha256)
	if want != "" && !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(want) {
		return nil, usagef("--model-sha256 %s: must be 64 hexadecimal digits, as 'loanscorer model show' prints them", o.sha256)
	}
	m, err := readModel(o.path, want)
	if err != nil {
		return nil, err
	}
	if err := m.Compile(); err != nil {
		return nil, fmt.Errorf("model %s: %w; please report it with this machine's kind and 'loanscorer version'", m.SHA256(), err)
	}
	o.loaded = m
	return m, nil
}

// loadModel reads the model file, or takes the default one.
func loadModel(path string) (*model.Model, error) { return readModel(path, "") }

// readModel reads a model whose SHA-256 is want, if that is given.
func readModel(path, want string) (*model.Model, error) {
	if path == "" {
		m := model.Default()
		return m, identify("the built-in model", m.SHA256(), want)
	}
	data, err := readModelText(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	sum := sha256.Sum256(data)
	if err := identify("model "+path, hex.EncodeToString(sum[:]), want); err != nil {
		return nil, err
	}
	m, err := model.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return m, nil
}

func identify(name, got, want string) error {
	if want == "" || got == want {
		return nil
	}
	return fmt.Errorf("%s: %w: it has %s, --model-sha256 is %s; give the file that was approved, or the SHA-256 of this one",
		name, errOtherModel, got, want)
}

// readModelText reads a model file, but no more than a model file can have.
func readModelText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, model.MaxFileBytes+1))
}
