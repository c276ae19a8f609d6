package dev.millrace.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.backfill.Backfill.ExistingRows;
import dev.millrace.capture.CapturedTable;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.mapping.WayBack;
import dev.millrace.postgres.Database;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.Secret;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.sql.Relation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The names that a stream derives from its direction and its migration's name.
class ReplicationStreamTest {

    private static final String LONGEST = "m".repeat(31);
    private static final Endpoint OLD =
            new Endpoint("jdbc:postgresql://old/shop", "millrace", Secret.of("pw"));
    private static final Endpoint NEW =
            new Endpoint("jdbc:postgresql://new/shop", "millrace", Secret.of("pw"));

    private final Database source = database(OLD);
    private final Database target = database(NEW);

    private static Database database(Endpoint endpoint) {
        return new Database("test", endpoint.url(), endpoint.username(), "pw");
    }

    @AfterEach
    void close() {
        source.close();
        target.close();
    }

    private ReplicationStream stream(Direction direction, String migration) {
        return stream(direction, migration, new ReplicationStream.Tables(List.of(), List.of()));
    }

    private ReplicationStream stream(
            Direction direction, String migration, ReplicationStream.Tables tables) {
        ReplicationStream.Side first = new ReplicationStream.Side(OLD, source);
        ReplicationStream.Side second = new ReplicationStream.Side(NEW, target);
        boolean isForward = direction == Direction.FORWARD;
        return new ReplicationStream(
                direction,
                migration,
                isForward ? first : second,
                isForward ? second : first,
                tables,
                new ReplicationStream.Settings(
                        3,
                        Map.of(),
                        Map.of(),
                        ReplicaRole.REPLICA,
                        Path.of("state"),
                        LogRetention.Policy.of(Kafka.DEFAULT_RETENTION),
                        Backfill.WINDOWS,
                        ExistingRows.READ,
                        IndexSetting.KEEP,
                        RejectedLimit.standard(),
                        ReplicationStream.Settings.DEFINITIONS,
                        SchemaChange.Setting.STANDARD));
    }

    /// Names that servers use to tell streams from each other.
    private static List<String> names(ReplicationStream stream) {
        return List.of(
                stream.id(),
                stream.slot(),
                stream.topics().changes(),
                stream.topics().target(),
                stream.topics().position(),
                stream.topics().rowsApplication(1),
                stream.topics().applierGroup(),
                stream.topics().captureTransactionalId(),
                stream.walMessagePrefix());
    }

    @Test
    void forwardNamesStayAsTheyAreInRunningMigrations() {
        ReplicationStream forward = stream(Direction.FORWARD, "shop");

        assertThat(names(forward))
                .containsExactly(
                        "shop",
                        "millrace_shop",
                        "millrace.shop.changes",
                        "millrace.shop.target",
                        "millrace.shop.position",
                        "millrace.shop.rows.1",
                        "millrace.shop.applier",
                        "millrace.shop.capture",
                        "millrace.shop");
        assertThat(forward.publication()).isEqualTo("millrace_shop");
        assertThat(forward.control()).isSameAs(target);
    }

    @Test
    void reverseStreamHasItsOwnNamesAndControlDatabase() {
        ReplicationStream reverse = stream(Direction.REVERSE, "shop");

        assertThat(names(reverse))
                .containsExactly(
                        "_reverse_shop",
                        "millrace__reverse_shop",
                        "millrace._reverse_shop.changes",
                        "millrace._reverse_shop.target",
                        "millrace._reverse_shop.position",
                        "millrace._reverse_shop.rows.1",
                        "millrace._reverse_shop.applier",
                        "millrace._reverse_shop.capture",
                        "millrace._reverse_shop");
        assertThat(reverse.publication()).isEqualTo("millrace__reverse_shop");
        assertThat(reverse.control()).isSameAs(source);
    }

    /// The parts of a row must be written in one order, so their changes are in one partition.
    @Test
    void partsOfARowHaveOneOrder() {
        List<CapturedTable> captured =
                List.of(table("person", "id"), table("address", "user_id"), table("other", "id"));
        TableId users = new TableId("public", "users");
        List<Mapping> mappings =
                List.of(
                        mapping(captured.get(0), users.withPart("person")),
                        mapping(captured.get(1), users.withPart("address")),
                        mapping(captured.get(2), users));
        Map<TableId, TableRule> rules =
                Map.of(
                        users.withPart("person"), rule(0),
                        users.withPart("address"), rule(1));

        List<byte[]> orders =
                stream(
                                Direction.REVERSE,
                                "shop",
                                new ReplicationStream.Tables(mappings, captured, rules))
                        .capture(1)
                        .tables()
                        .stream()
                        .map(table -> table.order().apply(row(table, "07")).bytes())
                        .toList();

        assertThat(orders.get(0)).isEqualTo(RowKey.of(users, "7").bytes()).isEqualTo(orders.get(1));
        assertThat(orders.get(2)).isEqualTo(row(captured.get(2), "07").key().bytes());
    }

    private static CapturedTable table(String name, String key) {
        return new CapturedTable(
                new Relation(
                        new TableId("public", name),
                        List.of(
                                new Relation.Column(
                                        key,
                                        new Relation.SqlType(
                                                "pg_catalog", "text", "text", -1, Optional.empty()),
                                        true,
                                        false,
                                        Relation.Collation.NONE)),
                        List.of(key)),
                false);
    }

    private static Row row(CapturedTable table, String key) {
        Relation relation = table.relation();
        return Row.of(RowSchema.keyed(relation.id(), relation.key(), relation.key()), key);
    }

    /// The key as a number.
    private static Mapping mapping(CapturedTable table, TableId target) {
        RowSchema key = RowSchema.keyed(target, List.of("id"), List.of("id"));
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row row) {
                        return new MappedRow.Upsert(key(row));
                    }

                    @Override
                    public Row key(Row row) {
                        return Row.of(
                                key,
                                Integer.toString(Integer.parseInt(String.valueOf(row.text(0)))));
                    }
                };
        return new Mapping(
                table.relation().id(),
                key,
                List.of(table.relation().columns().getFirst().type()),
                "",
                "",
                mapper);
    }

    private static TableRule rule(int number) {
        return new TableRule(
                Map.of(),
                TableRule.NONE.truncation(),
                Optional.of(
                        new TableRule.PartOfRow(
                                new TableId("millrace", "parts_0_shop"),
                                List.of("id"),
                                new WayBack.PartOf(number, 2, List.of("id"), List.of("id")))));
    }

    @Test
    void noTwoStreamsShareAName() {
        List<String> all = new ArrayList<>();
        List<String> topics = new ArrayList<>();
        for (String migration :
                List.of("shop", "reverse_shop", "reverse", "shop_reverse", "r", "s", LONGEST)) {
            for (Direction direction : Direction.values()) {
                ReplicationStream stream = stream(direction, migration);
                all.addAll(names(stream));
                Topics own = stream.topics();
                topics.addAll(List.of(own.changes(), own.target(), own.position()));
            }
        }

        assertThat(all).doesNotHaveDuplicates();
        assertThat(topics.stream().map(topic -> topic.replace('.', '_')))
                .as("Kafka does not tell '.' from '_' in the metrics of topics")
                .doesNotHaveDuplicates();
    }

    @Test
    void theLongestNamesAreLegal() {
        for (Direction direction : Direction.values()) {
            ReplicationStream stream = stream(direction, LONGEST);

            assertThat(stream.slot()).matches("[a-z0-9_]{1,63}");
            assertThat(stream.publication()).hasSizeLessThanOrEqualTo(63);
            assertThat(stream.topics().position()).matches("[a-zA-Z0-9._-]{1,249}");
            assertThat("millrace " + stream.id() + " reconcile")
                    .as("the longest application_name is not truncated")
                    .hasSizeLessThanOrEqualTo(63);
        }
    }

    @Test
    void componentsOfOneStreamShareItsNamesAndSettings() {
        ReplicationStream reverse = stream(Direction.REVERSE, "shop");

        assertThat(reverse.capture(7).migration()).isEqualTo(reverse.id());
        assertThat(reverse.capture(7).url()).isEqualTo(NEW.url());
        assertThat(reverse.mappings(7).migration()).isEqualTo(reverse.id());
        assertThat(reverse.applier(7).migration()).isEqualTo(reverse.id());
        assertThat(List.of(reverse.capture(7).generation(), reverse.mappings(7).generation()))
                .containsOnly(reverse.applier(7).generation());
    }

    @Test
    void eachStreamDropsWhatTheOtherOneWrites() {
        ReplicationStream forward = stream(Direction.FORWARD, "shop");
        ReplicationStream reverse = stream(Direction.REVERSE, "shop");

        assertThat(forward.capture(1).opposite()).contains(reverse.applier(1).migration());
        assertThat(reverse.capture(1).opposite()).contains(forward.applier(1).migration());
        assertThat(forward.applier(1).origins()).isEqualTo(OriginUse.IF_PERMITTED);
        assertThat(reverse.applier(1).origins()).isEqualTo(OriginUse.REQUIRED);
    }
}
