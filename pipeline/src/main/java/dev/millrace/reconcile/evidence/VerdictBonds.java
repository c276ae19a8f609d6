package dev.millrace.reconcile.evidence;

import dev.millrace.digest.Chunker;
import dev.millrace.digest.ServerPosition;
import dev.millrace.lifecycle.Incident;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ReplicationProgress.ReplicationUnavailable;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Finds what a verdict was bound to and no longer holds. Pure. What is not known counts as broken.
///
/// | bond | what must be as it was when the comparison began |
/// |---|---|
/// | `spec` | the hash of the file's mappings |
/// | `generation` | the generation of the log |
/// | `offsets` | the log, which may only have become longer |
/// | `source-position`, `target-position` | cluster and timeline; transaction ids only go up |
/// | `source-schema`, `target-schema` | the definition of each compared table |
///
/// A verdict also expires, which depends on a setting and is not judged here.
public final class VerdictBonds {

    private static final Logger LOG = LoggerFactory.getLogger(VerdictBonds.class);

    private VerdictBonds() {}

    /// @param name a stable identifier: `source-schema`
    /// @param reason a clause without a full stop, for the operator
    public record Broken(String name, String reason) {}

    /// What holds now.
    ///
    /// @param specHash of the mappings that run
    /// @param changesEnds the end of each partition of the changes topic; empty if unknown
    /// @param servers empty if a side cannot be read
    public record Present(
            String specHash,
            int generation,
            Optional<Map<Integer, Long>> changesEnds,
            Optional<Servers> servers) {

        public Present {
            changesEnds = changesEnds.map(Map::copyOf);
        }

        /// @param mappings all that are compared
        public static Present read(
                String specHash,
                int generation,
                ReplicationProgress progress,
                Chunker chunker,
                Collection<Mapping> mappings) {
            return new Present(
                    specHash, generation, ends(progress), Servers.read(chunker, mappings));
        }

        private static Optional<Map<Integer, Long>> ends(ReplicationProgress progress) {
            try {
                return Optional.of(progress.changesEnds());
            } catch (ReplicationUnavailable e) {
                LOG.atWarn()
                        .addKeyValue("reason", Incident.reason(LOG, "The log was not read.", e))
                        .log("It is unknown whether the last verdict still holds.");
                return Optional.empty();
            }
        }
    }

    /// @return in the order of the table above
    public static List<Broken> broken(ReconciliationReport report, Present now) {
        List<Broken> broken = new ArrayList<>();
        if (!report.specHash().equals(now.specHash())) {
            broken.add(new Broken("spec", "the verdict belongs to other mappings"));
        }
        StartPosition start = report.start();
        if (start == null) {
            broken.add(new Broken("offsets", "the report does not say where the comparison began"));
            return List.copyOf(broken);
        }
        if (start.generation() != now.generation()) {
            broken.add(
                    new Broken(
                            "generation",
                            "the verdict is of generation %d of the log, and %d runs"
                                    .formatted(start.generation(), now.generation())));
        } else {
            offsets(start, now).ifPresent(why -> broken.add(new Broken("offsets", why)));
        }
        side("source", start.source(), now.servers().map(Servers::source), broken);
        side("target", start.target(), now.servers().map(Servers::target), broken);
        return List.copyOf(broken);
    }

    /// Offsets of one generation never go back, unless the log lost records.
    private static Optional<String> offsets(StartPosition start, Present now) {
        if (now.changesEnds().isEmpty()) {
            return Optional.of("the log cannot be read");
        }
        Map<Integer, Long> ends = now.changesEnds().get();
        boolean isLonger =
                start.changes().entrySet().stream()
                        .allMatch(then -> ends.getOrDefault(then.getKey(), -1L) >= then.getValue());
        return isLonger
                ? Optional.empty()
                : Optional.of("the log ends before the place where the comparison began");
    }

    private static void side(
            String side, ServerPosition then, Optional<ServerPosition> now, List<Broken> broken) {
        if (now.isEmpty()) {
            broken.add(new Broken(side + "-position", "the servers cannot be read"));
            return;
        }
        if (!then.server().equals(now.get().server())) {
            broken.add(
                    new Broken(
                            side + "-position",
                            "the " + side + " server was replaced, restored or promoted"));
        } else if (now.get().next() < then.next()) {
            broken.add(
                    new Broken(
                            side + "-position",
                            "the transaction ids of the " + side + " server went back"));
        }
        TreeSet<String> tables = new TreeSet<>(then.tables().keySet());
        tables.addAll(now.get().tables().keySet());
        tables.removeIf(
                name -> Objects.equals(then.tables().get(name), now.get().tables().get(name)));
        if (!tables.isEmpty()) {
            broken.add(
                    new Broken(
                            side + "-schema",
                            "the definition of %s, of a partition or of a type changed"
                                    .formatted(String.join(", ", tables))));
        }
    }
}
