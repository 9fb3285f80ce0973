package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// errorType is what Lambda shows an initialisation error as.
const errorType = "Loanscorer.Configuration"

// initFailed tells Lambda and the log why the function cannot begin.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror
func initFailed(ctx context.Context, runtimeAPI string, cause error, stderr io.Writer) {
	log := newLogger(stderr, slog.LevelInfo)
	log.LogAttrs(ctx, slog.LevelError, "function cannot begin", slog.String("error", cause.Error()))
	if err := postInitError(ctx, runtimeAPI, cause); err != nil {
		log.LogAttrs(ctx, slog.LevelError, "runtime api does not answer", slog.String("error", err.Error()))
	}
}

func postInitError(ctx context.Context, runtimeAPI string, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]any{
		"errorType": errorType, "errorMessage": cause.Error(), "stackTrace": []string{},
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://"+runtimeAPI+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	client := &http.Client{Transport: &http.Transport{}} // no proxy: the runtime api is next door
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("init error: %s", resp.Status)
	}
	return nil
}
