package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// sightings counts the rare states that runs have reached. A budgeted run fails
// if one of rareStates stays at zero: a simulation that never gets there proves
// nothing about it. The counters are all that runs share.
var sightings = struct {
	sync.Mutex
	of map[string]int
}{of: map[string]int{}}

func sometimes(what string) {
	sightings.Lock()
	defer sightings.Unlock()
	sightings.of[what]++
}

var rareStates = []string{
	"recovery.torn_tail", "recovery.gap", "recovery.crashed", "recovery.cut", "recovery.cut_twice",
	"crash.torn_write", "crash.between", "crash.within", "cut.between", "cut.within", "cut.lost_acked",
	"stop.clean", "stop.waiting", "stop.after_failure",
	"io.failed.sync", "io.failed.write", "log.failed", "log.rolled", "log.idle_mark",
	"rot.idle_tail", "rot.proven", "rot.manifest", "rot.under_reader", "rot.part", "disk.full", "audit.read", "audit.replayed",
	"window.stalled", "unit.stored", "unit.refused", "batch.partly_refused", "send.unknown", "send.unknown_kept",
	"topic.auto_created", "topic.refused", "topic.deleted", "pull.topic_deleted", "written_on_synced",
	"pull.woken", "pull.reheld", "pull.cancelled", "pull.client_died", "pull.timed_out", "pull.in_gap", "pull.no_match",
	"reset.taken", "reset.beats_commit", "commit.one_way_kept", "commit.at_risk",
	"job.apart", "snapshot.written", "segment.sealed", "segment.forgotten", "message.expired",
	"audit.needs_snapshot", "audit.part_gone", "audit.resealed",
	"txn.prepared", "txn.committed", "txn.rolled_back", "txn.refused", "txn.late", "txn.asked", "txn.given_up",
	"delay.stored", "delay.published", "delay.survived", "delay.relocated", "delay.recalled", "delay.recall_late",
	"delay.topic_deleted", "delay.unpublished_by_a_cut", "look.found", "look.relocated",
	"pop.acked", "pop.acked_again", "pop.changed", "pop.killed", "pop.passed_over", "pop.timed_out", "pop.sealed",
	"pop.expired_redelivered", "pop.expired_refused", "pop.stale_refused", "pop.replayed", "pop.owner_closed",
	"pop.provisional", "pop.provisional_undone", "pop.order_turned", "pop.locked", "pop.progress",
	"pop.dead_letter", "pop.died_of_attempts", "pop.died_cold", "pop.disabled", "pop.deleted", "pop.group_deleted",
	"pop.rewound", "pop.reset_taken",
	"member.expired", "member.told", "clock.stepped_back",
}

func unseen() (missing []string) {
	for _, what := range rareStates {
		delivery := strings.HasPrefix(what, "pop.") || strings.HasPrefix(what, "delay.") || strings.HasPrefix(what, "look.") || strings.HasPrefix(what, "txn.")
		if sightings.of[what] == 0 && (*flagMore || !delivery) {
			missing = append(missing, what)
		}
	}
	return missing
}

func sightingsText() string {
	var lines []string
	for what, n := range sightings.of {
		lines = append(lines, fmt.Sprintf("%-24s %d", what, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
