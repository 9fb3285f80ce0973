// Command bootstrap is the Lambda function: the packages of 'loanscorer serve'
// without the embedded store and queue. LOANSCORER_ROLE says what it does:
//
//	api          answers API Gateway's HTTP API (payload format 2.0)
//	worker       takes SQS batches of both queues, or S3's events
//	maintenance  runs on a schedule
//
// docs/deploy.md lists the variables and the events. Everything is configured
// by the environment and checked before the first event is asked for: what is
// wrong is told to Lambda as an initialisation error that names the variable.
//
// The function stops two seconds before its deadline and reports what is
// unfinished. It never acknowledges work that is not written.
package main
