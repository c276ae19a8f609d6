package dev.millrace.apply;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.change.TableId;
import java.time.Duration;
import java.util.Map;

/// The settings of an applier.
///
/// @param migration the name under which the control schema contains its rows
/// @param generation the one to apply: records of an older one are dropped, and the applier fails
///   when the stored offsets belong to another
/// @param topic the topic to apply
/// @param replicaRole the role that preflight relied on: no session writes without it
/// @param origins whether a session may write without a replication origin
/// @param kafka client settings, at least `bootstrap.servers`
/// @param limits [Limits#standard], except in tests
/// @param rules of tables whose rows are not simply written as they arrive
/// @param rejected how many keys of a table may wait
public record ApplierSettings(
        String migration,
        int generation,
        TargetTopic topic,
        ReplicaRole replicaRole,
        OriginUse origins,
        Map<String, Object> kafka,
        Limits limits,
        Map<TableId, TableRule> rules,
        RejectedLimit rejected) {

    public ApplierSettings {
        kafka = Map.copyOf(kafka);
        rules = Map.copyOf(rules);
    }

    /// A batch ends with the block that reaches a limit. Bytes are those of memory: the block and
    /// its decoded rows.
    ///
    /// @param rows of one batch; a longer transaction is not faster and delays the others
    /// @param bytes of one batch. A partition reads ahead by one batch while another is written
    /// @param readAhead bytes of all partitions. Beyond it only partitions that have nothing to
    ///   apply are read, so that each of them can reach a truncate
    /// @param writers sessions that write concurrently
    /// @param lockTimeout how long a statement waits for a lock before its transaction is repeated
    /// @param silence how long the target may be silent within a batch before the session counts as
    ///   broken. Must be longer than the slowest batch, which would be repeated forever otherwise
    /// @param idleMove how long a stored offset is left unchanged when only watermarks arrive
    /// @param shapes how often the target's definition of tables is read of which something waits
    /// @param watch how often the target is asked what a session does whose task takes long
    public record Limits(
            int rows,
            long bytes,
            long readAhead,
            int writers,
            Duration lockTimeout,
            Duration silence,
            Duration idleMove,
            Duration shapes,
            Duration watch) {

        public Limits {
            if (rows < 1 || bytes < 1 || writers < 1) {
                throw new IllegalArgumentException(
                        "A batch must have at least one row, one byte and one writer.");
            }
        }

        public static Limits standard() {
            return standard(Duration.ofSeconds(10));
        }

        /// The standard limits with another interval.
        public static Limits standard(Duration shapes) {
            return new Limits(
                    40_000,
                    8L << 20,
                    64L << 20,
                    2,
                    Duration.ofSeconds(5),
                    Duration.ofMinutes(10),
                    Duration.ofMillis(100),
                    shapes,
                    Duration.ofSeconds(5));
        }
    }
}
