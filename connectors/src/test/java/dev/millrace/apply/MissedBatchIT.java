package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.task.TargetTask;
import dev.millrace.apply.task.TargetTask.KeyWork;
import dev.millrace.apply.task.TargetTask.MissedBatch;
import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import dev.millrace.control.stopped.MissedChanges.Missed;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Identifier;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A process that was frozen applies a batch of missed changes after another one has gone on: the
/// place of what is missed says so, and no row steps back.
class MissedBatchIT {

    private static final String MIGRATION = "missed";
    private static final String TOPIC = "missed.target";
    private static final RowSchema ITEM = ApplierScenario.rowSchema("item", "id", "v");

    private final TestDatabase database = PostgresServer.shared().newTarget();
    private Login login;
    private BatchWriter writer;

    @BeforeEach
    void open() throws Exception {
        database.execute(
                "CREATE TABLE item (id int PRIMARY KEY, other text)",
                "INSERT INTO millrace.target_table (migration, target, empty_at_start, table_oid)"
                        + " VALUES ('missed', '%s', true, 'item'::regclass)"
                                .formatted(Identifier.quote(ITEM.table())));
        login = GrantedLogins.apply(database);
        try (Connection connection = login.connect()) {
            new StoredOffsets(MIGRATION, TOPIC).begin(connection, 1, "id", List.of(0L));
        }
        writer = ApplierScenario.writer(login, MIGRATION, TOPIC);
    }

    @AfterEach
    void close() {
        writer.close();
    }

    /// The stored offset after so many blocks of one change.
    private static StoredOffset at(long blocks) {
        return new StoredOffset(
                0,
                "id",
                blocks,
                blocks == 0 ? Token.none(1) : new Token(1, blocks - 1, 0),
                WatermarkNumber.none(1),
                blocks);
    }

    private static PartitionBatch batch(int block, String value) {
        return new PartitionBatch(
                at(block),
                at(block + 1),
                List.of(new TargetChange.Upsert(new Token(1, block, 0), Row.of(ITEM, "1", value))));
    }

    private Missed missed() throws Exception {
        WriteOutcome.Read read = (WriteOutcome.Read) writer.run(new TargetTask.ReadOffsets());
        return Objects.requireNonNull(read.missed().get(0));
    }

    @Test
    void aBatchThatAnotherProcessHasPassedChangesNothing() throws Exception {
        for (int block = 0; block < 3; block++) {
            writer.run(batch(block, "missed" + block));
        }
        database.execute("ALTER TABLE item RENAME other TO v");
        writer.run(
                new KeyWork(
                        new KeyWork.Asked(new KeyRequest.Resume(ITEM.table())), List.of(at(3))));
        MissedBatch first = new MissedBatch(missed(), at(3), batch(0, "missed0"));

        assertThat(writer.run(first)).isInstanceOf(WriteOutcome.Applied.class);
        assertThat(writer.run(first))
                .as("the reply to its COMMIT was lost")
                .isInstanceOf(WriteOutcome.AppliedBefore.class);
        MissedBatch second = new MissedBatch(missed(), at(3), batch(1, "missed1"));
        assertThat(writer.run(second)).isInstanceOf(WriteOutcome.Applied.class);

        assertThat(writer.run(first)).isInstanceOf(WriteOutcome.Lost.class);
        assertThat(database.value("SELECT v FROM item")).isEqualTo("missed1");
        MissedBatch third = new MissedBatch(missed(), at(3), batch(2, "missed2"));
        assertThat(writer.run(third)).isInstanceOf(WriteOutcome.Applied.class);
        assertThat(writer.run(second)).isInstanceOf(WriteOutcome.Lost.class);
        assertThat(database.value("SELECT v FROM item")).isEqualTo("missed2");
        assertThat(database.value("SELECT count(*) FROM millrace.stopped_table")).isEqualTo("0");
    }
}
