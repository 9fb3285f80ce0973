package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model"
)

// version is set by the release build (-ldflags -X main.version=...).
var version = "dev"

func versionCommand(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of the program and of its default model",
		Example: "  loanscorer version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo()
			if asJSON {
				return json.NewEncoder(s.out).Encode(v)
			}
			_, err := fmt.Fprintf(s.out, "loanscorer %s (%s, %s, %s)\ndefault model %s\n",
				v.Version, v.Commit, v.Go, v.Platform, v.Model)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

type versions struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Model    string `json:"default_model_sha256"`
}

func versionInfo() versions {
	v := versions{
		Version: version, Commit: "unknown commit", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Model: model.Default().SHA256(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				v.Commit = setting.Value
			}
		}
	}
	return v
}
