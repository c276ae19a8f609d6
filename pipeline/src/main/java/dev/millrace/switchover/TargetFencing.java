package dev.millrace.switchover;

import dev.millrace.fence.WriteFence;
import dev.millrace.fence.WriteFence.Outcome;
import dev.millrace.lifecycle.Reason;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Closes the target for every role but Millrace's, from the first run until the traffic is moved
/// there. Where that is impossible, the migration goes on and the gate `target-fence` stays closed.
/// Thread-safe.
///
/// @param stream the forward stream
public record TargetFencing(ReplicationStream stream) {

    private static final Logger LOG = LoggerFactory.getLogger(TargetFencing.class);

    /// A target that has been opened is not closed again.
    public void close() throws InterruptedException {
        try (WriteFence fence = SwitchoverOperation.targetFence(stream)) {
            switch (fence.install()) {
                case Outcome.Done _ -> fence.closePermanently();
                case Outcome.Refused(List<String> reasons) -> warn(String.join(" ", reasons));
                case Outcome.Busy(var table, var _) ->
                        warn("Table " + table + " is locked by other transactions.");
            }
        } catch (SQLException e) {
            warn(Reason.of(e));
        }
    }

    private void warn(String reason) {
        LOG.atWarn()
                .addKeyValue("migration", stream.name())
                .addKeyValue("reason", reason)
                .log(
                        "The target is not fenced: other roles can write to its tables. The switchover stays refused until the service has been started without this reason.");
    }

    /// What keeps the target from being closed; empty if it is closed.
    public List<String> problems() throws SQLException {
        try (WriteFence fence = SwitchoverOperation.targetFence(stream)) {
            return fence.read().isClosed()
                    ? fence.prove().problems()
                    : List.of(
                            "Other roles can write to the target. The service closes it when it starts, and its log says why it could not. Remove the cause and start the service again.");
        }
    }
}
