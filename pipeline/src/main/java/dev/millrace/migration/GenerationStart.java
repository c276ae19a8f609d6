package dev.millrace.migration;

import dev.millrace.broker.Broker;
import dev.millrace.broker.Broker.Topic;
import dev.millrace.broker.TopicPlan;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.Session;
import dev.millrace.source.CaptureSettings;
import dev.millrace.target.ReplicaRole;
import dev.millrace.target.StoredOffsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Takes up the generation that runs, or begins the next one. A next one empties the topics and the
/// target tables that were empty when the migration began, and only then becomes the generation, in
/// one transaction with its stored offsets: a conductor who dies before that begins again, one who
/// dies after it takes it up.
final class GenerationStart {

    private final MigrationSetup setup;
    private final Broker broker;
    private final GenerationStore store;

    GenerationStart(MigrationSetup setup, Broker broker) {
        this.setup = setup;
        this.broker = broker;
        this.store = new GenerationStore(setup.migration());
    }

    /// The generation that runs, or the first.
    ///
    /// @throws RefusedException when the world is not the one it was begun in
    Generation takeUp() throws SQLException {
        Generation now = describe(1);
        try (Connection connection = setup.target().connect("control")) {
            Optional<Generation> latest = store.latest(connection);
            if (latest.isEmpty()) {
                store.noteTargets(connection, setup.targets());
                return begin(connection, now);
            }
            refuseChanges(latest.get(), now);
            return latest.get();
        }
    }

    /// Begins the generation behind this one. Nothing of the migration may be running.
    Generation next(Generation previous) throws SQLException {
        try (Connection connection = setup.target().connect("control")) {
            List<TableId> kept = store.notEmptyAtStart(connection, setup.targets());
            if (!kept.isEmpty()) {
                throw new RefusedException(
                        "the snapshot was interrupted and has to begin again, but "
                                + kept
                                + " held rows before the migration began and may not be emptied;"
                                + " empty them yourself and start again");
            }
            emptyTargets(connection);
            return begin(connection, describe(previous.number() + 1));
        }
    }

    private Generation begin(Connection connection, Generation generation) throws SQLException {
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
        connection.setAutoCommit(false);
        store.add(connection, generation, CaptureSettings.slot(setup.migration()));
        new StoredOffsets(setup.migration())
                .begin(connection, generation.number(), generation.targetTopicId(), offsets);
        connection.commit();
        return generation;
    }

    private void emptyTargets(Connection connection) throws SQLException {
        ReplicaRole.take(connection);
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            for (TableId target : setup.targets()) {
                statement.execute("DELETE FROM " + Identifier.quote(target));
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    private Generation describe(int number) {
        TopicPlan plan = TopicPlan.of(setup.topics(), setup.partitions());
        Topic changes = broker.ensure(plan.changes());
        Topic target = broker.ensure(plan.target());
        broker.ensure(plan.position());
        try (Session session = setup.source().session()) {
            Server.Facts facts = session.server().facts();
            return new Generation(
                    number,
                    facts.systemIdentifier().orElse("unknown"),
                    facts.timeline().orElse(0),
                    facts.database(),
                    changes.id(),
                    target.id(),
                    setup.partitions(),
                    setup.specHash());
        }
    }

    private static void refuseChanges(Generation begun, Generation now) {
        List<String> reasons = new ArrayList<>();
        if (!begun.specHash().equals(now.specHash())) {
            reasons.add(
                    "the tables in the file are not those it was begun with: put the file back,"
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
                || !begun.targetTopicId().equals(now.targetTopicId())) {
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
