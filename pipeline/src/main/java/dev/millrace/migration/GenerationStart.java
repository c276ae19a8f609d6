package dev.millrace.migration;

import dev.millrace.apply.ReplicaRole;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.capture.SourceCapture;
import dev.millrace.control.GenerationStore;
import dev.millrace.control.GenerationStore.Beginning;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.control.GenerationStore.Outcome;
import dev.millrace.control.StoredOffsets;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.Broker.Topic;
import dev.millrace.kafka.Broker.TopicSpec;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.Session;
import dev.millrace.spec.MigrationSpec;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Takes up the generation that runs, or begins the next one. A next one empties the topics and the
/// target tables that were empty when the migration began, and only then becomes the generation, in
/// one transaction with its stored offsets and the note of which tables were empty: a conductor who
/// dies before that begins again, one who dies after it takes it up.
final class GenerationStart {

    private final MigrationSetup setup;
    private final Broker broker;
    private final GenerationStore store;

    GenerationStart(MigrationSetup setup, Broker broker) {
        this.setup = setup;
        this.broker = broker;
        this.store = new GenerationStore(setup.target(), setup.migration());
    }

    /// The generation that runs, or the first.
    ///
    /// @throws RefusedException when the world is not the one it was begun in
    Generation takeUp() throws SQLException {
        Optional<Generation> latest = store.latest();
        if (latest.isEmpty()) {
            refuseForeignRecords();
            return begin(describe(1));
        }
        Generation running = latest.get();
        refuseChanges(running, found(running.number()));
        refuseLostPositions(running.number());
        placeMappings(running.number());
        store.noteColumns(setup.sources());
        return running;
    }

    /// Records that this target knows nothing of are another migration's, or what is left of one
    /// whose target was made anew. To begin would delete them.
    private void refuseForeignRecords() {
        List<String> filled = new ArrayList<>();
        for (TopicSpec topic : plan().all()) {
            broker.find(topic.name())
                    .filter(broker::holdsRecords)
                    .ifPresent(found -> filled.add(found.name()));
        }
        if (!filled.isEmpty()) {
            throw new RefusedException(
                    "the target knows nothing of migration "
                            + setup.migration()
                            + ", but Kafka holds records of one with this name ("
                            + String.join(", ", filled)
                            + "), which the start would delete. Choose another migration name. If no other"
                            + " migration uses these records, delete the topics "
                            + plan().all().stream()
                                    .map(TopicSpec::name)
                                    .collect(Collectors.joining(", "))
                            + deletion());
        }
    }

    private String deletion() {
        return switch (setup.spec().kafka()) {
            case MigrationSpec.Kafka.External _ -> ".";
            case MigrationSpec.Kafka.Embedded _ ->
                    ": remove the folder "
                            + setup.spec().dataDir().resolve("kafka")
                            + ", which holds the topics of all migrations of this data-dir.";
        };
    }

    /// A position topic that was emptied must not be taken for a beginning.
    private void refuseLostPositions(int generation) throws SQLException {
        boolean logged =
                SourceCapture.loggedGeneration(setup.kafka(), setup.topics()).orElse(0)
                        >= generation;
        StoredOffsets offsets = new StoredOffsets(setup.migration(), setup.topics().target());
        if (!logged && offsets.read(setup.target()).moved()) {
            throw new RefusedException(
                    "the migration can't go on: topic "
                            + setup.topics().position()
                            + " holds no position of generation "
                            + generation
                            + ", although changes of it were applied. The broker lost records,"
                            + " re-backfill required");
        }
    }

    /// The columns that each source table had when the migration began, by its quoted name.
    Map<String, Set<String>> columns() throws SQLException {
        return store.columns();
    }

    /// A group's offsets expire when nobody reads for long. From the beginning is never wrong: what
    /// was applied is dropped by its token.
    private void placeMappings(int generation) {
        String group = setup.topics().rowsApplication(generation);
        String changes = setup.topics().changes();
        Map<Integer, Long> missing = new HashMap<>(broker.begins(changes, setup.partitions()));
        missing.keySet().removeAll(broker.placed(group, changes).keySet());
        if (!missing.isEmpty()) {
            broker.place(group, changes, missing);
        }
    }

    /// Begins the generation behind this one. Nothing of the migration may be running.
    Generation next(Generation previous) throws SQLException {
        Optional<Generation> latest = store.latest();
        if (latest.isPresent() && latest.get().number() > previous.number()) {
            return latest.get();
        }
        return begin(describe(previous.number() + 1));
    }

    private Generation begin(Generation generation) throws SQLException {
        return switch (store.begin(
                ReplicaRole.required(setup.replicaRole()), () -> emptyTopics(generation))) {
            case Outcome.Begun(Generation begun) -> begun;
            case Outcome.Refused(String reason) -> throw new RefusedException(reason);
        };
    }

    private Beginning emptyTopics(Generation generation) {
        String changes = setup.topics().changes();
        String target = setup.topics().target();
        int partitions = setup.partitions();
        broker.empty(changes, partitions);
        broker.empty(target, partitions);
        broker.place(
                setup.topics().rowsApplication(generation.number()),
                changes,
                broker.ends(changes, partitions));
        Map<Integer, Long> firsts = broker.ends(target, partitions);
        List<Long> offsets = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            offsets.add(firsts.getOrDefault(partition, 0L));
        }
        return new Beginning(
                generation,
                CaptureSettings.slot(setup.migration()),
                target,
                offsets,
                setup.targets(),
                setup.sources());
    }

    private Generation describe(int number) {
        TopicPlan plan = plan();
        return describe(
                number,
                broker.ensure(plan.changes()),
                broker.ensure(plan.target()),
                broker.ensure(plan.position()));
    }

    /// The world as it is, in which nothing is made.
    private Generation found(int number) {
        TopicPlan plan = plan();
        return describe(
                number, present(plan.changes()), present(plan.target()), present(plan.position()));
    }

    private TopicPlan plan() {
        return TopicPlan.of(setup.topics(), setup.partitions());
    }

    private Topic present(TopicSpec topic) {
        return broker.existing(topic)
                .orElseThrow(
                        () ->
                                new RefusedException(
                                        "the migration can't go on: topic "
                                                + topic.name()
                                                + " is gone and what it held is lost, re-backfill"
                                                + " required"));
    }

    private Generation describe(int number, Topic changes, Topic target, Topic position) {
        try (Session session = setup.source().session()) {
            Server.Facts facts = session.server().facts();
            return new Generation(
                    number,
                    facts.systemIdentifier().orElse("unknown"),
                    facts.timeline().orElse(0),
                    facts.database(),
                    changes.id(),
                    target.id(),
                    position.id(),
                    setup.partitions(),
                    setup.meaning());
        }
    }

    private static void refuseChanges(Generation begun, Generation now) {
        List<String> reasons = new ArrayList<>();
        if (!begun.meaning().equals(now.meaning())) {
            reasons.add(
                    "the mappings are not those it was begun with (the tables in the file, or what"
                            + " a * stands for: tables and columns of both sides): put them back,"
                            + " or give the new mappings a migration name of their own");
        }
        if (!begun.systemIdentifier().equals(now.systemIdentifier())
                || !begun.sourceDatabase().equals(now.sourceDatabase())) {
            reasons.add("the source is another server or database than the one it was begun with");
        } else if (begun.timeline() != now.timeline()) {
            reasons.add(
                    "the source was promoted or restored (timeline "
                            + begun.timeline()
                            + " became "
                            + now.timeline()
                            + "): changes may be missing, re-backfill required");
        }
        if (!begun.changesTopicId().equals(now.changesTopicId())
                || !begun.targetTopicId().equals(now.targetTopicId())
                || !begun.positionTopicId().equals(now.positionTopicId())) {
            reasons.add("a topic was made anew: what it held is lost, re-backfill required");
        }
        if (begun.partitions() != now.partitions()) {
            reasons.add(
                    "it was begun with "
                            + begun.partitions()
                            + " partitions, the file says "
                            + now.partitions()
                            + ": put the number back");
        }
        if (!reasons.isEmpty()) {
            throw new RefusedException("the migration can't go on: " + String.join("; ", reasons));
        }
    }
}
