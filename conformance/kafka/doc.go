// Package kafka proves the log on a real Apache Kafka: servers that die, sleep, lose their disk, and brokers that are
// lost, all under load, against an external ledger. Needs Java and the jars that make kafka fetches.
package kafka
