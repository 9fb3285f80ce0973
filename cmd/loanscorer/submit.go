package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"

	"github.com/spf13/cobra"
)

func submitCommand(s streams) *cobra.Command {
	var server *serverURL
	var wait, asJSON bool
	cmd := &cobra.Command{
		Use:   "submit FILE|-",
		Short: "Submit applications to a running service",
		Long: `Submit one application (a JSON object) or up to 1,000 (a JSON array, or one object
per line) and print their ids; with --wait the decisions, and the reasons of those
that are no approvals. Members are the published column names: Loan_ID,
ApplicantIncome and CoapplicantIncome (or TotalIncome), LoanAmount (thousands),
Credit_History (0 or 1), Property_Area (Rural, Semiurban or Urban), and the others.`,
		Example: `  echo '{"ApplicantIncome":5849,"CoapplicantIncome":0,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}' |
    loanscorer submit - --wait
  loanscorer submit applications.ndjson --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := readAll(s.in, args[0])
			if err != nil {
				return err
			}
			a := &asking{streams: s, client: server.client(), wait: wait, asJSON: asJSON}
			return a.submit(cmd.Context(), body)
		},
	}
	server = serverFlag(cmd.Flags())
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the decisions")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's JSON")
	return cmd
}

// readAll reads a file, or standard input for "-".
func readAll(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}

// contentType tells one document or an array from one document per line.
func contentType(body []byte) string {
	dec := json.NewDecoder(bytes.NewReader(body))
	var first json.RawMessage
	if dec.Decode(&first) == nil && dec.More() {
		return "application/x-ndjson"
	}
	return "application/json"
}

func (a *asking) submit(ctx context.Context, body []byte) error {
	answer, err := a.do(ctx, http.MethodPost, "/v1/applications", body, http.Header{"Content-Type": {contentType(body)}})
	if err != nil {
		return err
	}
	accepted, refused, err := acceptedOf(answer.body)
	if err != nil {
		return err
	}
	for _, i := range slices.Sorted(maps.Keys(refused)) {
		_, _ = fmt.Fprintf(a.err, "application %d: %v\n", i+1, refused[i])
		if a.asJSON && a.wait {
			line, err := json.Marshal(map[string]any{"line": i + 1, "state": "refused", "done": true, "problem": refused[i]})
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(a.out, "%s\n", line)
		}
	}
	ends := slices.Repeat([]end{failed}, len(refused))
	if !a.wait && a.asJSON {
		if _, err := a.out.Write(append(bytes.TrimSpace(answer.body), '\n')); err != nil {
			return err
		}
		return judge(append(ends, make([]end, len(accepted))...))
	}
	for _, app := range accepted {
		text := answer.body
		if a.wait {
			done, raw, err := a.waitApplication(ctx, app.ID)
			if err != nil {
				return err
			}
			app, text = *done, raw
		}
		ends = append(ends, endOfApplication(&app))
		if err := printApplication(a.out, &app, text, a.asJSON); err != nil {
			return err
		}
	}
	return judge(ends)
}

// acceptedOf reads the answer to one or several submissions. refused is by
// position.
func acceptedOf(body []byte) ([]application, map[int]*problem, error) {
	var many struct {
		Applications []struct {
			application
			Problem *problem `json:"problem"`
		} `json:"applications"`
	}
	if err := json.Unmarshal(body, &many); err == nil && many.Applications != nil {
		var accepted []application
		refused := map[int]*problem{}
		for i := range many.Applications {
			entry := &many.Applications[i]
			if entry.Problem != nil {
				refused[i] = entry.Problem
				continue
			}
			accepted = append(accepted, entry.application)
		}
		return accepted, refused, nil
	}
	var one application
	if err := json.Unmarshal(body, &one); err != nil {
		return nil, nil, fmt.Errorf("answer: %w", err)
	}
	return []application{one}, nil, nil
}

// printApplication writes a line and the reasons, or the server's JSON.
func printApplication(w io.Writer, app *application, text []byte, asJSON bool) error {
	if asJSON {
		_, err := w.Write(append(bytes.TrimSpace(text), '\n'))
		return err
	}
	line := app.ID + "  " + app.State
	if app.Decision != "" && app.Probability != nil {
		line += fmt.Sprintf("  %s  %.4f", app.Decision, *app.Probability)
	}
	if app.LoanID != "" {
		line += "  " + app.LoanID
	}
	if app.Error != nil {
		line += "  " + app.Error.Error()
	}
	if _, err := fmt.Fprintln(w, line); err != nil {
		return err
	}
	for _, r := range app.Reasons {
		if _, err := fmt.Fprintf(w, "  %-24s %s\n", r.Code, r.Text); err != nil {
			return err
		}
	}
	return nil
}
