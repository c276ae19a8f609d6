package dev.millrace.replication;

import dev.millrace.capture.SourceCapture;
import dev.millrace.change.TableId;
import dev.millrace.control.GenerationStore;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.control.StoredOffsets;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.Broker.Topic;
import dev.millrace.kafka.Broker.TopicSpec;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.kafka.access.StreamAccess;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.Session;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecHash.Fingerprint;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Resumes the latest generation of a stream, or begins the next one. The start of a generation
/// first empties the topics. Then one transaction on the target empties the target tables that were
/// empty when the migration began, and writes the stored offsets and the generation. A process that
/// ends before this transaction commits starts over; one that ends after it resumes the new
/// generation. Not thread-safe; confined to the conductor's thread.
public final class GenerationStart {

    private final ReplicationStream stream;
    private final SpecResult.Valid file;
    private final Broker broker;
    private final GenerationStore store;

    public GenerationStart(ReplicationStream stream, SpecResult.Valid file, Broker broker) {
        this.stream = stream;
        this.file = file;
        this.broker = broker;
        this.store = new GenerationStore(stream.control(), stream.id());
    }

    /// What a start does if the log of the latest generation is lost.
    public enum LostLog {
        REFUSED,
        /// Every row is read again into the log of the next generation.
        READ_AGAIN
    }

    /// Whether a generation has begun, by this process or an earlier one.
    public boolean hasBegun() throws SQLException {
        return store.latest().isPresent();
    }

    /// The latest generation, or the first one.
    ///
    /// @throws RefusedException when the source, the topics or the mappings are not the ones with
    ///   which the generation began
    public Generation resume() throws SQLException {
        Optional<Generation> latest = store.latest();
        if (latest.isEmpty()) {
            refuseForeignRecords();
            return begin(describe(1));
        }
        Generation generation = latest.get();
        refuseChanges(generation);
        Optional<String> lost = lost(generation);
        if (lost.isPresent()) {
            throw new RefusedException(
                    "The migration cannot continue: " + lost.get() + ". " + afterLostLog());
        }
        restoreMappingOffsets(generation.number());
        store.noteColumns(stream.tables().sources());
        return generation;
    }

    /// Begins the next generation of a stream both of whose sides have the same rows. No component
    /// of the stream may be running.
    public Generation beginWithEqualSides() throws SQLException {
        Optional<Generation> latest = store.latest();
        if (latest.isEmpty()) {
            refuseForeignRecords();
        }
        return begin(describe(latest.map(Generation::number).orElse(0) + 1));
    }

    /// Records without control rows belong to another migration, or to one whose target was
    /// recreated. A start would delete them.
    private void refuseForeignRecords() {
        List<String> filled = new ArrayList<>();
        for (TopicSpec topic : plan().all()) {
            broker.find(topic.name())
                    .filter(broker::hasRecords)
                    .ifPresent(found -> filled.add(found.name()));
        }
        if (!filled.isEmpty()) {
            throw new RefusedException(
                    "Kafka contains records of a migration with the name "
                            + stream.name()
                            + " ("
                            + String.join(", ", filled)
                            + "), but the target contains no control rows of it. The start would"
                            + " delete the records. Choose another migration name. If no other"
                            + " migration uses these records, delete the topics "
                            + plan().all().stream()
                                    .map(TopicSpec::name)
                                    .collect(Collectors.joining(", "))
                            + deletion());
        }
    }

    private String deletion() {
        return switch (file.spec().kafka()) {
            case MigrationSpec.Kafka.External _ -> ".";
            case MigrationSpec.Kafka.Embedded _ ->
                    ": remove the folder "
                            + file.spec().dataDir().resolve("kafka")
                            + ", which contains the topics of all migrations of this data-dir.";
        };
    }

    /// The latest generation, if its log is lost but everything else is as it was at its begin.
    ///
    /// @throws RefusedException when the source or the mappings are not the ones with which the
    ///   generation began
    public Optional<Generation> withLostLog() throws SQLException {
        Optional<Generation> latest = store.latest();
        if (latest.isEmpty()) {
            return Optional.empty();
        }
        refuseChanges(latest.get());
        return lost(latest.get()).isPresent() ? latest : Optional.empty();
    }

    private Optional<String> lost(Generation generation) throws SQLException {
        TopicPlan plan = plan();
        boolean applied = hasApplied();
        return lost(plan.changes(), generation.changesTopicId())
                .or(() -> lost(plan.target(), generation.targetTopicId()))
                .or(() -> lost(plan.position(), generation.positionTopicId()))
                .or(() -> lostPositions(generation.number(), applied));
    }

    private Optional<String> lost(TopicSpec topic, String id) {
        Optional<Topic> now = broker.existing(topic);
        return now.isEmpty()
                ? Optional.of("topic " + topic.name() + " does not exist, its records are lost")
                : now.filter(found -> !found.id().equals(id))
                        .map(_ -> "topic " + topic.name() + " was recreated, its records are lost");
    }

    /// An emptied position topic must not be mistaken for a new one.
    private Optional<String> lostPositions(int generation, boolean applied) {
        boolean logged =
                SourceCapture.loggedGeneration(stream.kafka(), stream.topics()).orElse(0)
                        >= generation;
        return logged || !applied
                ? Optional.empty()
                : Optional.of(
                        "topic "
                                + stream.topics().position()
                                + " contains no position of generation "
                                + generation
                                + ", although changes of this generation were applied: the broker"
                                + " lost records");
    }

    private String afterLostLog() {
        return switch (stream.settings().existing()) {
            case READ ->
                    "Run 'millrace run' once with --rebackfill: it reads every row again into a new"
                            + " log and empties no table. This is possible only while the"
                            + " application writes to the source.";
            case ON_BOTH_SIDES -> "Use a new migration name with empty target tables.";
        };
    }

    private boolean hasApplied() throws SQLException {
        return new StoredOffsets(stream.id(), stream.topics().target())
                .read(stream.control())
                .moved();
    }

    /// The columns that each source table had when the migration began, by its quoted name.
    public Map<String, Set<String>> columns() throws SQLException {
        return store.columns();
    }

    /// The broker deletes the offsets of a consumer group that is inactive for long. The beginning
    /// of the log is always a correct start: apply drops by its token what is applied already.
    private void restoreMappingOffsets(int generation) {
        String group = stream.topics().rowsApplication(generation);
        String changes = stream.topics().changes();
        Map<Integer, Long> missing = new HashMap<>(broker.begins(changes, stream.partitions()));
        missing.keySet().removeAll(broker.committedOffsets(group, changes).keySet());
        if (!missing.isEmpty()) {
            broker.setCommittedOffsets(group, changes, missing);
        }
    }

    /// What becomes of the rows on the target when a generation begins.
    public enum Rows {
        /// Every row is read again.
        EMPTIED,
        /// They stay. The caller removes those that the source does not have.
        KEPT
    }

    /// Begins the generation after `previous`, unless that is done already. No component of the
    /// stream may be running.
    ///
    /// @throws RefusedException when the target may not be emptied
    public Generation next(Generation previous, Rows rows) throws SQLException {
        Optional<Generation> latest = store.latest();
        if (latest.isPresent() && latest.get().number() > previous.number()) {
            return latest.get();
        }
        return begin(
                describe(previous.number() + 1),
                switch (rows) {
                    case EMPTIED -> emptied();
                    case KEPT -> List.of();
                });
    }

    private Generation begin(Generation generation) throws SQLException {
        return begin(generation, emptied());
    }

    private Generation begin(Generation generation, List<TableId> emptied) throws SQLException {
        return switch (store.begin(stream.emptying(), () -> emptyTopics(generation, emptied))) {
            case GenerationStore.Outcome.Begun(Generation begun) -> begun;
            case GenerationStore.Outcome.Refused(String reason) ->
                    throw new RefusedException(reason);
        };
    }

    private GenerationStore.Beginning emptyTopics(Generation generation, List<TableId> emptied) {
        String changes = stream.topics().changes();
        String target = stream.topics().target();
        int partitions = stream.partitions();
        broker.deleteRecords(changes, partitions);
        broker.deleteRecords(target, partitions);
        broker.setCommittedOffsets(
                stream.topics().rowsApplication(generation.number()),
                changes,
                broker.ends(changes, partitions));
        Map<Integer, Long> firsts = broker.ends(target, partitions);
        List<Long> offsets = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            offsets.add(firsts.getOrDefault(partition, 0L));
        }
        return new GenerationStore.Beginning(
                generation,
                stream.slot(),
                target,
                offsets,
                stream.tables().targetIds(),
                emptied,
                stream.tables().sources());
    }

    /// The tables that a later generation empties, if they are empty now.
    private List<TableId> emptied() {
        return switch (stream.settings().existing()) {
            case READ -> stream.tables().targetIds();
            case ON_BOTH_SIDES -> List.of();
        };
    }

    private Generation describe(int number) {
        TopicPlan plan = plan();
        Generation described =
                describe(
                        number,
                        broker.ensure(plan.changes()).id(),
                        broker.ensure(plan.target()).id(),
                        broker.ensure(plan.position()).id());
        requireAccess(plan);
        return described;
    }

    /// What a user may write or delete is known only of topics that exist.
    private void requireAccess(TopicPlan plan) {
        if (file.spec().kafka() instanceof MigrationSpec.Kafka.External) {
            try (StreamAccess access = new StreamAccess(stream.kafka())) {
                List<StreamAccess.Lacking> lacking = access.lacking(stream.topics(), plan);
                if (!lacking.isEmpty()) {
                    throw new RefusedException(
                            "The Kafka user may not do what the stream needs: "
                                    + lacking
                                    + ". Run 'millrace plan', which prints the commands that allow it.");
                }
            }
        }
    }

    private TopicPlan plan() {
        return TopicPlan.of(stream.topics(), stream.partitions());
    }

    private Generation describe(int number, String changes, String target, String position) {
        try (Session session = stream.source().database().session()) {
            Server.Facts facts = session.server().facts();
            return new Generation(
                    number,
                    facts.systemIdentifier().orElse("unknown"),
                    facts.timeline().orElse(0),
                    facts.database(),
                    changes,
                    target,
                    position,
                    stream.partitions(),
                    meaning());
        }
    }

    /// Fingerprint of what the file means on these databases: a `*` stands for the tables and
    /// columns that exist at the start. Types are not part of it: the capture compares those of the
    /// source, and pauses a table in which one has changed.
    private String meaning() {
        List<String> parts = new ArrayList<>();
        parts.add(file.hash());
        stream.tables().mappings().stream()
                .map(mapping -> Fingerprint.of(declared(mapping)))
                .sorted()
                .forEach(parts::add);
        return Fingerprint.of(parts);
    }

    /// What one mapping means on these databases, without types.
    public static List<String> declared(Mapping mapping) {
        List<String> parts = new ArrayList<>();
        parts.add(mapping.target().table().toString());
        parts.addAll(mapping.target().columns());
        parts.addAll(mapping.target().keyColumns());
        parts.add(mapping.source().toString());
        parts.add(mapping.rendered());
        return parts;
    }

    private void refuseChanges(Generation begun) {
        Generation now =
                describe(
                        begun.number(),
                        begun.changesTopicId(),
                        begun.targetTopicId(),
                        begun.positionTopicId());
        List<String> reasons = new ArrayList<>();
        if (!begun.meaning().equals(now.meaning())) {
            reasons.add(
                    "The mappings have changed since the migration began: the tables in the file,"
                            + " or the tables and columns that a * stands for. Restore them, or use a"
                            + " new migration name for the new mappings.");
        }
        if (!begun.systemIdentifier().equals(now.systemIdentifier())
                || !begun.sourceDatabase().equals(now.sourceDatabase())) {
            reasons.add(
                    "The source is not the server and database with which the migration began. Set"
                            + " source.url to the original database.");
        } else if (begun.timeline() != now.timeline()) {
            reasons.add(
                    "The source was promoted or restored (its timeline changed from "
                            + begun.timeline()
                            + " to "
                            + now.timeline()
                            + "), so changes may be missing. Use a new migration name with empty"
                            + " target tables.");
        }
        if (begun.partitions() != now.partitions()) {
            reasons.add(
                    "The migration began with "
                            + begun.partitions()
                            + " partitions, but the file sets "
                            + now.partitions()
                            + ". Set kafka.partitions to "
                            + begun.partitions()
                            + ".");
        }
        if (!reasons.isEmpty()) {
            throw new RefusedException(
                    "The migration cannot continue. " + String.join(" ", reasons));
        }
    }
}
