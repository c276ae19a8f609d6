package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.SqlState;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.sql.Relation.SqlType;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Tables that are compared in ranges of their key.
class ChunksIT {

    @AutoClose private final UsersScene scene = new UsersScene();

    @BeforeEach
    void inChunks() {
        scene.analyze();
        scene.limits = UsersScene.inChunks(40, 1_000);
    }

    @Test
    void everyKeyIsInAChunk() {
        scene.target.execute(
                "INSERT INTO crm.customer VALUES (-2147483648, 'first', 1), (2147483647, 'last',"
                        + " 1)",
                "DELETE FROM crm.customer WHERE id IN (1, 299)");

        assertThat(keys(scene.table()))
                .containsExactlyInAnyOrder(
                        "extra -2147483648", "extra 2147483647", "missing 1", "missing 299");
    }

    @Test
    void countsTheComparedTablesAndRows() {
        scene.reconcile();

        assertThat(scene.counted.reading())
                .isEqualTo(new ComparisonProgress.Reading(1, 1, 270, 270));
    }

    @Test
    void findsRowsOfTwoChunksThatAreExchanged() {
        scene.target.execute(
                "UPDATE crm.customer SET full_name = 'name ' || (290 - id), amount = (290 - id) *"
                        + " 1.50 WHERE id IN (1, 289)");

        assertThat(keys(scene.table())).containsExactlyInAnyOrder("different 1", "different 289");
    }

    /// In two chunks, each row changes the sum of its chunk. In one chunk, the sum must change too.
    @Test
    void findsTwoRowsOfOneChunkThatSwappedTheirValues() {
        scene.limits = UsersScene.inChunks(1_000, 1_000);
        scene.target.execute(
                "UPDATE crm.customer SET full_name = 'name ' || (19 - id), amount = (19 - id) *"
                        + " 1.50 WHERE id IN (7, 12)");

        assertThat(keys(scene.table())).containsExactlyInAnyOrder("different 7", "different 12");
    }

    @Test
    void tableWithManyDifferencesIsNotComparedFurther() {
        scene.limits = UsersScene.inChunks(40, 10);
        scene.target.execute("UPDATE crm.customer SET amount = -1");

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(table.complete()).isFalse();
        assertThat(table.different()).isBetween(10L, 200L);
        assertThat(table.sourceRows()).as("not all rows were read").isNull();
        assertThat(table.sourceChecksum()).isNull();
    }

    /// Its rows do not fit into memory together.
    @Test
    void chunkWithManyDifferencesIsDivided() {
        scene.limits = UsersScene.inChunks(1_000, 1_000);
        scene.target.execute("UPDATE crm.customer SET amount = -1");

        TableReport table = scene.table();

        assertThat(scene.limits.rows()).isLessThan(270);
        assertThat(table.different()).isEqualTo(270);
        assertThat(table.complete()).isTrue();
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
    }

    /// Twenty keys of the table change in every read, ten of each chunk.
    @Test
    void keysOfOtherChunksDoNotCountAsTouched() {
        scene.limits = UsersScene.inChunks(140, 1, 1_000, 15);
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    for (int i = 1; i < 10; i++) {
                        scene.write(20 + i, "low " + version.incrementAndGet(), "1");
                        scene.write(250 + i, "high " + version.incrementAndGet(), "1");
                    }
                    scene.progress.catchUp();
                });

        TableReport table = scene.table();

        assertThat(scene.planned).containsExactly(2);
        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.inFlight()).isEqualTo(18);
    }

    @Test
    void moreTouchedKeysThanTheLimitAreUndecided() {
        scene.limits = UsersScene.inChunks(1_000, 1, 1_000, 8);
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    for (int i = 1; i < 10; i++) {
                        scene.write(20 + i, "low " + version.incrementAndGet(), "1");
                    }
                    scene.progress.catchUp();
                });

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("more rows changed");
        assertThat(table.mismatches()).isEmpty();
    }

    /// Of a chunk that differs, only the rows of the buckets that differ are read, also if other
    /// keys change meanwhile.
    @Test
    void touchedKeysDoNotHideADifferenceInTheirBucket() {
        scene.limits = UsersScene.inChunks(1_000, 1, 1_000, 50_000);
        scene.target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id IN (3, 299)");
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    for (int id = 11; id < 290; id += 10) {
                        scene.write(id, "hot " + version.incrementAndGet(), "1");
                    }
                    scene.progress.catchUp();
                });

        TableReport table = scene.table();

        assertThat(keys(table)).containsExactlyInAnyOrder("different 3", "different 299");
        assertThat(table.undecided()).as(table.cause()).isZero();
    }

    /// The sessions on the source: two before the chunks are planned, which needs the third one.
    private void refuseSourceSessions(int first, int last) {
        AtomicInteger opened = new AtomicInteger();
        scene.sourceSessions =
                () -> {
                    int number = opened.incrementAndGet();
                    if (number >= first && number <= last) {
                        throw new SQLException(
                                "too many connections", SqlState.TOO_MANY_CONNECTIONS.code());
                    }
                    return scene.openSource();
                };
    }

    @Test
    void planThatFailedOnceIsTriedAgain() {
        refuseSourceSessions(3, 3);

        TableReport table = scene.table();

        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.chunks()).as("not compared as a whole").hasSizeGreaterThan(1);
    }

    @Test
    void tableWhoseChunksCannotBePlannedIsUndecidedWithTheReason() {
        refuseSourceSessions(3, 7);

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("the source could not be read");
        assertThat(table.sourceRows()).as("not compared as a whole").isNull();
    }

    /// One chunk has a row for which the SELECT fails.
    @Test
    void differencesAreFoundAlsoIfAnotherChunkCannotBeRead() {
        scene.mapping =
                UserMapper.mapping("CASE WHEN 1 / (id - 299) > 1 THEN name || id ELSE name END");
        scene.target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id = 3");

        TableReport table = scene.table();

        assertThat(keys(table)).containsExactly("different 3");
        assertThat(table.complete()).isFalse();
        assertThat(table.cause()).contains("the source could not be read").contains("22012");
        assertThat(table.sourceRows()).isNull();
    }

    /// A chunk with one changed row is read once: its other rows are proven equal by the sums.
    @Test
    void changesInFlightDoNotMakeAChunkBeReadAgain() {
        scene.limits = UsersScene.inChunks(1_000, 1_000);
        AtomicInteger watermarks = new AtomicInteger();
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    if (watermarks.incrementAndGet() == 2) {
                        for (int id = 11; id < 20; id++) {
                            scene.write(id, "new " + version.incrementAndGet(), "1");
                        }
                        scene.progress.catchUp();
                    }
                });

        TableReport table = scene.table();

        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.inFlight()).isEqualTo(9);
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum()).isEqualTo(table.targetChecksum());
        assertThat(watermarks.get()).as("of the chunk, and of the nine keys").isEqualTo(4);
    }

    @Test
    void changeInFlightDoesNotHideADifferenceInItsChunk() {
        scene.limits = UsersScene.inChunks(1_000, 1_000);
        scene.target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id = 3");
        AtomicInteger version = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> scene.writeAndCatchUp(7, "hot " + version.incrementAndGet()));

        TableReport table = scene.table();

        assertThat(keys(table)).containsExactly("different 3");
        assertThat(table.inFlight()).isEqualTo(1);
    }

    /// The key is touched, so its row is left out of the sums; it must be compared all the same.
    @Test
    void changeInFlightThatTheTargetDoesNotApplyIsFound() {
        scene.limits = UsersScene.inChunks(1_000, 1_000);
        scene.progress.applyOnly(change -> !(change instanceof ChangeEvent.Update));
        AtomicInteger watermarks = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    if (watermarks.incrementAndGet() == 1) {
                        scene.write(9, "not applied", "1");
                    }
                });

        assertThat(keys(scene.table())).containsExactly("different 9");
    }

    /// A key that moves to a chunk that was compared before leaves no difference.
    @Test
    void keyThatMovesBetweenChunksIsNoDifference() {
        AtomicInteger watermarks = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    int number = watermarks.incrementAndGet();
                    scene.progress.delete(
                            "DELETE FROM users WHERE id = " + (1_000 + number - 1),
                            user(1_000 + number - 1, "moves", "1"));
                    scene.progress.write(
                            "INSERT INTO users VALUES (%d, 'moves', 1)".formatted(1_000 + number),
                            user(1_000 + number, "moves", "1"));
                });

        TableReport table = scene.table();

        assertThat(table.mismatches()).isEmpty();
        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void rowWithoutAKeyIsNotMissed() {
        scene.target.execute(
                "ALTER TABLE crm.customer DROP CONSTRAINT customer_pkey",
                "ALTER TABLE crm.customer ALTER id DROP NOT NULL",
                "INSERT INTO crm.customer VALUES (NULL, 'no key', 1)");

        assertThat(keys(scene.table())).containsExactly("extra null");
    }

    /// Texts have one order on both sides only if their collations are the same.
    @ParameterizedTest
    @CsvSource({"'', true", "COLLATE \"en-x-icu\", false"})
    void textKeysHaveChunksIfTheirCollationsAreTheSame(String collation, boolean inChunks) {
        scene.limits = UsersScene.inChunks(40, 1_000);
        String rows = " SELECT 'Code ' || i, i FROM generate_series(1, 300) i";
        scene.source.execute(
                "CREATE TABLE code (id text PRIMARY KEY, n int)", "INSERT INTO code" + rows);
        scene.target.execute(
                "CREATE TABLE crm.code (id text %s PRIMARY KEY, n int)".formatted(collation),
                "INSERT INTO crm.code" + rows,
                "UPDATE crm.code SET n = 0 WHERE n = 7",
                "DELETE FROM crm.code WHERE n = 200",
                "INSERT INTO crm.code VALUES ('zebra', 1), ('A', 2)",
                "ANALYZE crm.code");
        scene.grantAll();
        TableId target = new TableId("crm", "code");
        Mapping mapping =
                new Mapping(
                        new TableId("public", "code"),
                        RowSchema.keyed(target, List.of("id", "n"), List.of("id")),
                        List.of(type("text", "text"), type("int4", "integer")),
                        "SELECT id, n FROM code",
                        "",
                        UserMapper.mapping().mapper());

        TableReport table = scene.reconcile(List.of(mapping)).tables().getFirst();

        assertThat(keys(table))
                .containsExactlyInAnyOrder(
                        "different code 7", "missing code 200", "extra zebra", "extra a");
        assertThat(scene.planned).hasSize(inChunks ? 1 : 0);
    }

    private static SqlType type(String name, String formatted) {
        return new SqlType("pg_catalog", name, formatted, -1, Optional.empty());
    }
}
