package cost

import (
	"fmt"
	"math"
	"slices"
)

// Platform is a way of running the service.
type Platform string

// The platforms. Synchronous is the design of the article that this project
// grew out of, for comparison: one request, one function, no queue, no files.
const (
	LambdaZip    Platform = "lambda-zip"
	LambdaImage  Platform = "lambda-image"
	DirectIntake Platform = "direct-intake"
	Fargate      Platform = "fargate"
	EC2          Platform = "ec2"
	Kubernetes   Platform = "kubernetes"
	Synchronous  Platform = "synchronous"
)

// Platforms lists them in the order of the documentation.
func Platforms() []Platform {
	return []Platform{LambdaZip, LambdaImage, DirectIntake, Fargate, EC2, Kubernetes, Synchronous}
}

// Volume is what comes in within a month.
type Volume struct {
	Applications float64 `json:"applications"` // single ones
	Rows         float64 `json:"rows"`         // in files
}

// Item is one line of an estimate.
type Item struct {
	Price    string  `json:"price"` // name in the price table
	Why      string  `json:"why"`
	Quantity float64 `json:"quantity"` // in the price's unit
	USD      float64 `json:"usd"`
}

// Estimate is a month on one platform.
type Estimate struct {
	Platform Platform `json:"platform"`
	Volume
	USD    float64 `json:"usd"`
	Items  []Item  `json:"items"`
	Unfit  string  `json:"unfit,omitempty"` // why this is no way to do it
	prices *Prices
	err    error
}

const (
	hours      = 730.0 // of a month
	seconds    = hours * 3600
	gigabyte   = 1 << 30
	longPolls  = 5 * 3 * 60 * hours // receives a month of an event source mapping on an empty queue: 5 pollers, 20 s each
	kmsReuse   = 100_000            // requests a month: queues and bucket keys reuse data keys
	maxBatch   = 100.0
	deleteSize = 10.0 // messages that are deleted in one request
)

// New estimates a month.
func New(p *Prices, a Assumptions, platform Platform, v Volume) (*Estimate, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if !slices.Contains(Platforms(), platform) {
		return nil, fmt.Errorf("platform %q: must be one of %q", platform, Platforms())
	}
	e := &Estimate{Platform: platform, Volume: v, prices: p}
	switch platform {
	case LambdaZip, LambdaImage, DirectIntake:
		e.lambda(&a)
	case Fargate:
		e.fargate(&a)
	case EC2:
		e.ec2(&a)
	case Kubernetes:
		e.kubernetes(&a)
	case Synchronous:
		e.synchronous(&a)
	}
	for _, item := range e.Items {
		e.USD += item.USD
	}
	return e, e.err
}

func (e *Estimate) add(price, why string, quantity float64) {
	p, ok := e.prices.Prices[price]
	if !ok && e.err == nil {
		e.err = fmt.Errorf("price table: no %q", price)
	}
	if quantity > 0 {
		e.Items = append(e.Items, Item{Price: price, Why: why, Quantity: quantity, USD: quantity * p.USD})
	}
}

// batch is how many applications a worker gathers on average: those that come
// within the window after the first.
func (a *Assumptions) batch(applications float64) float64 {
	return min(maxBatch, 1+applications/seconds*a.WindowSeconds)
}

// lambda is template.yaml.
func (e *Estimate) lambda(a *Assumptions) {
	n := e.Applications
	batches := n / a.batch(n)
	posts := n
	if e.Platform == DirectIntake {
		e.add("rest_api_request", "POST", n)
		posts = 0
	}
	e.add("http_api_request", "POST and polls", posts+n*a.Polls)
	e.add("lambda_request", "api", posts+n*a.Polls)
	e.add("lambda_gb_second", "api", (posts+n*a.Polls)*a.APIMillis/1000*a.APIGB)
	e.add("lambda_request", "worker", batches)
	e.add("lambda_gb_second", "worker", (batches*a.WorkerMillis+n*a.ClaimMillis)/1000*a.APIGB)
	e.add("sqs_request", "looking into empty queues", 2*longPolls)
	e.queue(n, batches)
	e.objects(a, batches)
	chunks := e.files(a)
	e.add("lambda_request", "bulk", chunks)
	e.add("lambda_gb_second", "bulk", (e.Rows/a.RowsPerSecond+chunks*0.3)*a.BulkGB)
	runs := seconds / 300
	e.add("lambda_request", "maintenance", runs)
	e.add("lambda_gb_second", "maintenance", runs*a.MaintenanceSecs*a.BulkGB)
	e.add("s3_put", "maintenance lists", runs*4)
	e.add("log_gb", "logs", (2*(n+n*a.Polls)+batches+chunks+runs)*a.LogBytes/gigabyte)
	e.fixed(a)
	if e.Platform == LambdaImage {
		e.add("ecr_gb_month", "image", 0.05)
	}
}

// queue counts requests of the applications queue.
func (e *Estimate) queue(n, batches float64) {
	e.add("sqs_request", "send", n)
	e.add("sqs_request", "receive", max(batches, n/deleteSize))
	e.add("sqs_request", "delete", max(batches, n/deleteSize))
}

// objects counts requests and bytes of single applications in S3.
func (e *Estimate) objects(a *Assumptions, batches float64) {
	n := e.Applications
	e.add("s3_put", "a document for each application", n)
	e.add("s3_put", "result files", batches)
	e.add("s3_get", "polls: document and result file", 2*n*a.Polls)
	e.add("s3_gb_month", "documents and results that are kept", n*a.DocumentBytes*a.KeepMonths/gigabyte)
}

// files counts requests and bytes of files, and returns how many chunks they have.
func (e *Estimate) files(a *Assumptions) float64 {
	if e.Rows == 0 {
		return 0
	}
	files := math.Ceil(e.Rows / a.RowsPerFile)
	chunks := files * math.Ceil(min(e.Rows, a.RowsPerFile)*a.RowBytes/a.ChunkBytes)
	e.add("s3_put", "files: upload, plan, summary, receipt, rejects, lists", files*8)
	e.add("s3_put", "chunks: part, rejects, ledger entry", chunks*3)
	e.add("s3_get", "files: plan, ledger, chunks", files*10+chunks*6)
	e.add("sqs_request", "files and chunks", files*3+chunks*3)
	e.add("s3_gb_month", "results of files that are kept", e.Rows*a.ResultRowBytes*a.KeepMonths/gigabyte)
	e.add("s3_gb_month", "uploads that are kept", e.Rows*a.RowBytes*a.UploadMonths/gigabyte)
	return chunks
}

// fixed is what template.yaml costs when nothing comes in.
func (e *Estimate) fixed(a *Assumptions) {
	e.add("kms_key", "the stack's key", 1)
	e.add("kms_request", "data keys", kmsReuse)
	e.add("secret", "behind ids", 1)
	e.add("alarm_metric", "alarms", a.AlarmMetrics)
	e.add("custom_metric", "error lines, unfinished files", 2)
}

// processors is how many are busy in the busiest hour.
func (e *Estimate) processors(a *Assumptions) float64 {
	return e.Applications / seconds * a.Burst * (1 + a.Polls/4) / a.PerVCPU
}

// store is S3 and SQS used by servers, which gather as Lambda does.
func (e *Estimate) store(a *Assumptions) {
	batches := e.Applications / a.batch(e.Applications)
	e.queue(e.Applications, batches)
	e.objects(a, batches)
	e.files(a)
	e.add("sqs_request", "looking into empty queues", 2*seconds/20*2)
	e.add("log_gb", "logs", (e.Applications*(1+a.Polls)+batches)*a.LogBytes/gigabyte)
	e.add("kms_key", "a key", 1)
	e.add("kms_request", "data keys", kmsReuse)
	e.add("secret", "behind ids", 1)
}

// fargate is two small tasks for the api, one for the worker, as many more as
// the busiest hour needs, and a load balancer.
func (e *Estimate) fargate(a *Assumptions) {
	vcpu := max(1.5, e.processors(a))*hours + e.Rows/a.RowsPerSecond/3600
	e.add("fargate_vcpu_hour", "2 x api, worker, files", vcpu)
	e.add("fargate_gb_hour", "2 GB for each processor", vcpu*2)
	e.add("ipv4_hour", "addresses of the tasks", 3*hours)
	e.balancer()
	e.store(a)
	e.add("ecr_gb_month", "image", 0.05)
}

func (e *Estimate) balancer() {
	e.add("alb_hour", "load balancer", hours)
	e.add("alb_lcu_hour", "load balancer", max(1, e.Applications/seconds*3/25)*hours)
	e.add("ipv4_hour", "load balancer, two zones", 2*hours)
}

// ec2 is one machine with 'loanscorer serve', its own store and queue, and a
// proxy that knows the callers: no S3, no SQS.
func (e *Estimate) ec2(a *Assumptions) {
	need := e.processors(a) + e.Rows/a.RowsPerSecond/seconds*a.Burst
	if need <= 0.4 { // a burstable machine's share of two processors
		e.add("t4g_small_hour", "machine", hours)
	} else {
		size := 2.0
		for size < need {
			size *= 2
		}
		if size > 64 {
			e.Unfit = "more than one machine"
		}
		e.add("c7g_vcpu_hour", "machine", size*hours)
	}
	kept := (e.Applications*a.DocumentBytes + e.Rows*a.ResultRowBytes) * a.KeepMonths / gigabyte
	if files := e.Applications * a.KeepMonths; files > 200e6 {
		e.Unfit = "hundreds of millions of small files on one disk"
	}
	e.add("ebs_gb_month", "disk", 20+kept+e.Rows*a.RowBytes*a.UploadMonths/gigabyte)
	e.add("ipv4_hour", "address", hours)
}

// kubernetes is a cluster of at least two nodes, with S3 and SQS.
func (e *Estimate) kubernetes(a *Assumptions) {
	e.add("eks_hour", "control plane", hours)
	nodes := max(2, math.Ceil(e.processors(a)/1.5))
	e.add("c7g_vcpu_hour", "nodes of 2 processors", nodes*2*hours+e.Rows/a.RowsPerSecond/3600)
	e.add("ipv4_hour", "addresses of the nodes", nodes*hours)
	e.balancer()
	e.store(a)
	e.add("ecr_gb_month", "image", 0.05)
}

// synchronous is the article's: a REST API and a function that answers at once
// and keeps nothing.
func (e *Estimate) synchronous(a *Assumptions) {
	e.add("rest_api_request", "POST", e.Applications)
	e.add("lambda_request", "function", e.Applications)
	e.add("lambda_gb_second", "function", e.Applications*a.SyncMillis/1000*a.SyncGB)
	e.add("log_gb", "logs", e.Applications*a.LogBytes/gigabyte)
	e.add("ecr_gb_month", "image", 0.5)
	if e.Rows > 0 {
		e.Unfit = "no files: a request for each row"
		e.add("rest_api_request", "a POST for each row", e.Rows)
		e.add("lambda_request", "function, for each row", e.Rows)
		e.add("lambda_gb_second", "function, for each row", e.Rows*a.SyncMillis/1000*a.SyncGB)
	}
}
