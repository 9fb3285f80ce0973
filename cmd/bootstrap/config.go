package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer"
)

// The roles.
const (
	roleAPI         = "api"
	roleWorker      = "worker"
	roleMaintenance = "maintenance"
)

// The environment.
const (
	envRole         = "LOANSCORER_ROLE"
	envBucket       = "LOANSCORER_BUCKET"
	envApplications = "LOANSCORER_APPLICATIONS_QUEUE"
	envBulk         = "LOANSCORER_BULK_QUEUE"
	envSecret       = "LOANSCORER_ID_SECRET" //nolint:gosec // the variable's name
	envModel        = "LOANSCORER_MODEL"
	envShadow       = "LOANSCORER_SHADOW"
	envReasons      = "LOANSCORER_REASONS"
	envReceives     = "LOANSCORER_MAX_RECEIVES"
	envLease        = "LOANSCORER_LEASE"
	envChunkSize    = "LOANSCORER_CHUNK_SIZE"
	envRetention    = "LOANSCORER_RETENTION"
	envDirect       = "LOANSCORER_DIRECT_INTAKE"
	envAnonymous    = "LOANSCORER_ANONYMOUS"
	envLogLevel     = "LOANSCORER_LOG_LEVEL"
	envS3           = "LOANSCORER_S3_ENDPOINT"
	envSQS          = "LOANSCORER_SQS_ENDPOINT"
	envRegion       = "AWS_REGION"
	envMemory       = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
	envMemoryLimit  = "GOMEMLIMIT"
)

// A chunk is at least as long as the longest record, and small enough for one
// invocation.
const (
	minChunk = 64 << 10
	maxChunk = 1 << 30
)

// configuration is the environment, checked.
type configuration struct {
	role         string
	bucket       string
	applications string // queue URLs
	bulk         string
	ids          *status.IDs
	model        document
	shadow       document // beside model in the results of files; nothing: none
	reasons      document
	receives     int
	lease        time.Duration
	retention    time.Duration // how long a message may come back
	chunkSize    int64
	direct       bool // API Gateway puts applications into the queue by itself, too
	anonymous    bool // the api answers callers whom the gateway has not authenticated
	level        slog.Level
	s3, sqs      string // endpoints, "" is AWS
	memory       int64  // MB of the function, 0 when unknown
}

// environment reads variables and remembers every fault.
type environment struct {
	get    func(string) string
	faults []error
}

func (e *environment) fault(name, format string, args ...any) {
	e.faults = append(e.faults, fmt.Errorf(name+": "+format, args...))
}

// readConfiguration reads and checks the environment. The error names every
// variable that is missing or wrong.
func readConfiguration(getenv func(string) string) (*configuration, error) {
	e := &environment{get: getenv}
	c := &configuration{role: getenv(envRole)}
	switch c.role {
	case roleAPI, roleWorker, roleMaintenance:
	case "":
		e.fault(envRole, "not set: must be %s, %s or %s", roleAPI, roleWorker, roleMaintenance)
	default:
		e.fault(envRole, "%q: must be %s, %s or %s", c.role, roleAPI, roleWorker, roleMaintenance)
	}
	c.bucket = e.required(envBucket, "the bucket's name")
	c.applications = e.queue(envApplications, c.role == roleAPI || c.role == roleWorker)
	c.bulk = e.queue(envBulk, c.role == roleWorker || c.role == roleMaintenance)
	if text := e.required(envSecret, "the secret behind ids, 64 or more hexadecimal digits"); text != "" {
		var err error
		if c.ids, err = status.ParseSecrets(text); err != nil {
			e.fault(envSecret, "%w", err)
		}
	}
	c.model, c.reasons, c.shadow = documentOf(getenv(envModel)), documentOf(getenv(envReasons)), documentOf(getenv(envShadow))
	c.receives = int(e.number(envReceives, 5, 1, 1000))
	c.chunkSize = e.number(envChunkSize, scorer.DefaultChunkSize, minChunk, maxChunk)
	c.lease = e.duration(envLease, 15*time.Second)
	// The dead-letter queues keep a message for 14 days.
	c.retention = e.duration(envRetention, 14*24*time.Hour)
	c.anonymous = e.choice(envAnonymous, "refuse", "allow")
	c.direct = e.choice(envDirect, "false", "true")
	c.level = e.level()
	c.s3, c.sqs = e.endpoint(envS3), e.endpoint(envSQS)
	c.memory, _ = strconv.ParseInt(getenv(envMemory), 10, 64) // Lambda's own; without it there is no limit
	if getenv(envRegion) == "" {
		e.fault(envRegion, "not set: Lambda sets it")
	}
	return c, errors.Join(e.faults...)
}

func (e *environment) required(name, what string) string {
	v := e.get(name)
	if v == "" {
		e.fault(name, "not set: must be %s", what)
	}
	return v
}

// queue is a queue's URL; another role may leave it out.
func (e *environment) queue(name string, required bool) string {
	v := e.get(name)
	if v == "" {
		if required {
			e.fault(name, "not set: must be the queue's URL")
		}
		return ""
	}
	if u, err := url.Parse(v); err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		e.fault(name, "must be the queue's URL, such as https://sqs.eu-west-1.amazonaws.com/123456789012/name")
	}
	return v
}

func (e *environment) number(name string, otherwise, least, most int64) int64 {
	text := e.get(name)
	if text == "" {
		return otherwise
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < least || v > most {
		e.fault(name, "%q: must be a number from %d to %d", text, least, most)
	}
	return v
}

func (e *environment) duration(name string, otherwise time.Duration) time.Duration {
	text := e.get(name)
	if text == "" {
		return otherwise
	}
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		e.fault(name, "%q: must be a duration such as 15s", text)
	}
	return v
}

func (e *environment) endpoint(name string) string {
	v := e.get(name)
	if v == "" || v == "aws" {
		return ""
	}
	if u, err := url.Parse(v); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		e.fault(name, "%q: must be a URL, or aws", v)
	}
	return v
}

// choice is a variable of two values; the first is the default.
func (e *environment) choice(name, no, yes string) bool {
	switch v := e.get(name); v {
	case "", no:
		return false
	case yes:
		return true
	default:
		e.fault(name, "%q: must be %s or %s", v, no, yes)
		return false
	}
}

func (e *environment) level() slog.Level {
	var l slog.Level
	if text := e.get(envLogLevel); text != "" {
		if err := l.UnmarshalText([]byte(text)); err != nil {
			e.fault(envLogLevel, "%q: must be debug, info, warn or error", text)
		}
	}
	return l
}

// document is where a document comes from: a file, the bucket, or neither for
// the built-in one.
type document struct {
	file   string
	sha256 string // of a document of the bucket, which has it in its key
}

// documentOf tells a file from a SHA-256.
func documentOf(text string) document {
	if regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(text) {
		return document{sha256: text}
	}
	return document{file: text}
}

// queueName is the last part of a queue's URL.
func queueName(address string) string { return address[strings.LastIndexByte(address, '/')+1:] }
