package dev.millrace.reconcile.pass;

import dev.millrace.change.Lsn;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.control.pass.PassStore;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.KeyRange;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.lifecycle.Reason;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.FencedRead.Between;
import dev.millrace.reconcile.ReportJson;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.StartPosition.Servers;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The progress of a reconciliation in the control schema. If the control schema cannot be written,
/// the pass runs without it. Not thread-safe.
public final class StoredPass implements PassProgress {

    private static final Logger LOG = LoggerFactory.getLogger(StoredPass.class);

    /// An older pass is not continued: its first chunks were compared too long ago.
    private static final Duration MOST_AGE = Duration.ofHours(24);

    private final PassStore store;
    private final UUID id;
    private final Subject subject;
    private boolean stores;
    private boolean interrupted;

    /// What is compared.
    ///
    /// @param targets the compared tables
    public record Subject(int generation, String specHash, List<String> targets) {

        public Subject {
            targets = targets.stream().sorted().toList();
        }
    }

    /// @param id of the reconciliation
    public StoredPass(PassStore store, UUID id, Subject subject) {
        this.store = store;
        this.id = id;
        this.subject = subject;
    }

    /// A reconciliation that was interrupted.
    ///
    /// @param targets the compared tables
    public record Interrupted(UUID id, List<String> targets) {

        public Interrupted {
            targets = List.copyOf(targets);
        }
    }

    /// The reconciliation of the same tables that was interrupted.
    ///
    /// @return its id; empty if there is none, or if it cannot be read
    public static Optional<UUID> interrupted(PassStore store, Subject subject, Instant now) {
        return interrupted(store, subject.generation(), subject.specHash(), now)
                .filter(pass -> pass.targets().equals(subject.targets()))
                .map(Interrupted::id);
    }

    /// The reconciliation of any tables that was interrupted.
    ///
    /// @return empty if there is none, or if it cannot be read
    public static Optional<Interrupted> interrupted(
            PassStore store, int generation, String specHash, Instant now) {
        try {
            return store.find()
                    .filter(
                            pass ->
                                    pass.generation() == generation
                                            && pass.specHash().equals(specHash))
                    .filter(pass -> isRecent(pass, now))
                    .map(pass -> new Interrupted(pass.id(), pass.targets()));
        } catch (SQLException e) {
            warnUnread(e);
            return Optional.empty();
        }
    }

    private static boolean isRecent(PassStore.Pass pass, Instant now) {
        return now.isBefore(pass.startedAt().plus(MOST_AGE));
    }

    public Subject subject() {
        return subject;
    }

    @Override
    public void interrupted() {
        interrupted = true;
    }

    /// This reconciliation, if it is undecided for a reason that passes by itself.
    public Optional<Interrupted> continuation() {
        return interrupted ? Optional.of(new Interrupted(id, subject.targets())) : Optional.empty();
    }

    @Override
    public Begun begin(Instant now, Servers servers, Collection<Mapping> mappings) {
        try {
            Optional<Begun> earlier =
                    store.find()
                            .filter(pass -> pass.id().equals(id) && isRecent(pass, now))
                            .flatMap(pass -> begun(pass, servers, mappings));
            if (earlier.isEmpty()) {
                store.begin(
                        new PassStore.Pass(
                                id,
                                subject.generation(),
                                subject.specHash(),
                                subject.targets(),
                                now,
                                ReportJson.write(servers),
                                Optional.empty()));
            }
            stores = true;
            return earlier.orElseGet(() -> NONE.begin(now, servers, mappings));
        } catch (SQLException e) {
            warn(e);
            return NONE.begin(now, servers, mappings);
        }
    }

    private static Optional<Begun> begun(
            PassStore.Pass pass, Servers now, Collection<Mapping> mappings) {
        return ReportJson.readServers(pass.servers())
                .filter(
                        then ->
                                mappings.stream()
                                        .allMatch(mapping -> then.obstacle(now, mapping).isEmpty()))
                .map(
                        then ->
                                new Begun(
                                        pass.startedAt(),
                                        then,
                                        true,
                                        pass.start().flatMap(ReportJson::readStart)));
    }

    @Override
    public List<Chunk> chunks(ComparedTable table) {
        TableId target = table.mapping().target().table();
        return read(() -> store.chunks(target.toString())).stream()
                .map(chunk -> chunk(target, chunk))
                .toList();
    }

    private static Chunk chunk(TableId target, PassStore.Chunk stored) {
        return new Chunk(
                stored.number(),
                new KeyRange(key(target, stored.from()), key(target, stored.to())),
                stored.equal()
                        .map(
                                equal ->
                                        new Equal(
                                                new RowSum(
                                                        equal.rows(),
                                                        equal.first(),
                                                        equal.second()),
                                                equal.inFlight(),
                                                new Between(
                                                        Lsn.parse(equal.after()),
                                                        Lsn.parse(equal.before())))));
    }

    private static @Nullable RowKey key(TableId target, @Nullable List<String> values) {
        return values == null ? null : RowKey.of(target, values.toArray(String[]::new));
    }

    @Override
    public void planned(ComparedTable table, List<Chunk> chunks) {
        write(() -> store.plan(name(table), chunks.stream().map(StoredPass::stored).toList()));
    }

    @Override
    public void equal(ComparedTable table, List<Chunk> chunks, Optional<StartPosition> start) {
        write(
                () -> {
                    if (start.isPresent()) {
                        store.started(ReportJson.write(start.get()));
                    }
                    store.finished(name(table), chunks.stream().map(StoredPass::stored).toList());
                });
    }

    /// The pass is not continued. Called for each pass that ends, also for one whose progress could
    /// not be stored, or that did not begin.
    public void end() {
        end(store, id);
    }

    /// Forgets the progress of a reconciliation.
    public static void end(PassStore store, UUID id) {
        try {
            store.end(id);
        } catch (SQLException e) {
            warn(e);
        }
    }

    private static String name(ComparedTable table) {
        return table.mapping().target().table().toString();
    }

    private static PassStore.Chunk stored(Chunk chunk) {
        return new PassStore.Chunk(
                chunk.number(),
                chunk.range().fromTexts(),
                chunk.range().toTexts(),
                chunk.equal()
                        .map(
                                equal ->
                                        new PassStore.Equal(
                                                equal.rows().rows(),
                                                equal.rows().first(),
                                                equal.rows().second(),
                                                equal.inFlight(),
                                                equal.between().after().toString(),
                                                equal.between().before().toString())));
    }

    private interface Write {
        void run() throws SQLException;
    }

    private void write(Write write) {
        if (stores) {
            try {
                write.run();
            } catch (SQLException e) {
                warn(e);
                stores = false;
            }
        }
    }

    private interface Read {
        List<PassStore.Chunk> run() throws SQLException;
    }

    private List<PassStore.Chunk> read(Read read) {
        try {
            return stores ? read.run() : List.of();
        } catch (SQLException e) {
            warnUnread(e);
            stores = false;
            return List.of();
        }
    }

    private static void warnUnread(SQLException failure) {
        LOG.atWarn()
                .addKeyValue("reason", Reason.of(failure))
                .log(
                        "The progress of a reconciliation cannot be read. The reconciliation begins"
                                + " again.");
    }

    private static void warn(SQLException failure) {
        LOG.atWarn()
                .addKeyValue("reason", Reason.of(failure))
                .log(
                        "The progress of a reconciliation cannot be stored. If the service ends, the"
                                + " reconciliation begins again.");
    }
}
