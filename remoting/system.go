package remoting

import "github.com/gantrymq/gantry/core"

const (
	// defaultTopic is the template of topics that a send creates. Clients ask
	// for its route when they do not find that of a topic.
	defaultTopic       = "TBW102"
	defaultTopicQueues = 8
)

// SystemTopics are the topics that clients and tools expect in every cluster.
// They are made when a server starts on an empty folder.
func SystemTopics(cluster, broker string) []core.TopicConfig {
	const (
		readWrite = core.PermRead | core.PermWrite
		all       = readWrite | core.PermInherit
	)
	topics := []struct {
		name   string
		queues int32
		perm   core.Perm
	}{
		{defaultTopic, defaultTopicQueues, all},
		{"SELF_TEST_TOPIC", 1, readWrite},
		{"BenchmarkTest", 1024, readWrite},
		{cluster, 16, all},
		{broker, 1, all},
		{"OFFSET_MOVED_EVENT", 1, readWrite},
		{"SCHEDULE_TOPIC_XXXX", 18, readWrite},
		{"RMQ_SYS_TRACE_TOPIC", 1, readWrite},
		{cluster + "_REPLY_TOPIC", 1, readWrite},
		{"rmq_sys_REVIVE_LOG_" + cluster, 8, readWrite},
		{"rmq_sys_wheel_timer", 1, readWrite},
		{"RMQ_SYS_TRANS_HALF_TOPIC", 1, readWrite},
		{"RMQ_SYS_TRANS_OP_HALF_TOPIC", 1, readWrite},
		{"TRANS_CHECK_MAX_TIME_TOPIC", 1, readWrite},
	}
	configs := make([]core.TopicConfig, len(topics))
	for i, t := range topics {
		configs[i] = core.TopicConfig{
			Name: t.name, ReadQueues: t.queues, WriteQueues: t.queues, Perm: t.perm, System: true,
		}
	}
	return configs
}

// noSend reports whether clients may not send to a topic, which the server fills
// itself. The clients know the same list.
func noSend(topic string) bool {
	switch topic {
	case "SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC",
		"TRANS_CHECK_MAX_TIME_TOPIC", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT":
		return true
	}
	return false
}
