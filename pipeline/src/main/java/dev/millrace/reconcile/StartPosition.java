package dev.millrace.reconcile;

import dev.millrace.change.TableId;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.ReadFailed;
import dev.millrace.digest.ServerPosition;
import dev.millrace.lifecycle.Incident;
import dev.millrace.mapping.Mapping;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where a reconciliation began, so that a later comparison can find what changed since. Immutable.
///
/// Each change that was not visible to the first read of the source has an offset at or after
/// these. Each row version that this read or a later one does not show was written at or after the
/// positions of the two servers.
///
/// @param generation of the log
/// @param changes the end of each partition of the changes topic before the first read
public record StartPosition(
        int generation, Map<Integer, Long> changes, ServerPosition source, ServerPosition target) {

    private static final Logger LOG = LoggerFactory.getLogger(StartPosition.class);

    public StartPosition {
        changes = Map.copyOf(changes);
    }

    /// The positions of both servers.
    public record Servers(ServerPosition source, ServerPosition target) {

        /// @return empty if a side cannot be read; then no table of it can be read either
        public static Optional<Servers> read(Chunker chunker, Collection<Mapping> mappings) {
            List<TableId> sources = mappings.stream().map(Mapping::source).toList();
            List<TableId> targets = mappings.stream().map(each -> each.target().table()).toList();
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                Future<ServerPosition> ofSource =
                        threads.submit(() -> chunker.sourcePosition(sources));
                ServerPosition ofTarget = chunker.targetPosition(targets);
                return Optional.of(new Servers(Cancellation.result(ofSource), ofTarget));
            } catch (ReadFailed e) {
                LOG.atWarn()
                        .addKeyValue(
                                "reason", Incident.reason(LOG, "A server could not be read.", e))
                        .log("The positions of both servers are not known.");
                return Optional.empty();
            }
        }

        /// Why the rows of a mapping that changed since cannot be found.
        ///
        /// @return empty if they can be found
        public Optional<String> obstacle(Servers now, Mapping mapping) {
            return source.obstacle(now.source(), mapping.source())
                    .map(why -> "on the source, " + why)
                    .or(
                            () ->
                                    target.obstacle(now.target(), mapping.target().table())
                                            .map(why -> "on the target, " + why));
        }
    }

    /// Why the rows of a mapping that changed since cannot be found.
    ///
    /// @return empty if they can be found
    public Optional<String> obstacle(Servers now, Mapping mapping) {
        return new Servers(source, target).obstacle(now, mapping);
    }
}
