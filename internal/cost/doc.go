// Package cost estimates what a month of loanscorer costs on AWS, for several
// ways of running it, from a dated table of public list prices and from
// assumptions that can be changed. It counts the requests, seconds and bytes
// that one application and one row of a file cause.
//
// It promises no bill: discounts, free tiers, taxes, traffic to the internet
// and the time of people are left out.
package cost
