package dev.millrace.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.BlockCodec;
import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.sql.Relation;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MigrationTopologyTest {

    private static final Topics TOPICS = new Topics("shop");
    private static final TableId SOURCE = new TableId("public", "product");
    private static final RowSchema ROW_SCHEMA =
            RowSchema.keyed(SOURCE, List.of("id", "name"), List.of("id"));

    /// The key of a row that belongs to no mapping.
    private static final String FOREIGN = "0";

    private static final Origin ORIGIN = new Origin(new Lsn(1), 7, 0);

    private final BlockCodec codec = new BlockCodec();
    private long total;
    private TopologyTestDriver driver;
    private TestInputTopic<byte[], byte[]> changes;
    private TestOutputTopic<byte[], byte[]> target;

    @BeforeEach
    void start() {
        Properties properties = new Properties();
        properties.put("application.id", "test");
        properties.put("bootstrap.servers", "nowhere:1");
        properties.put("processing.exception.handler.global.enabled", "true");
        driver =
                new TopologyTestDriver(
                        MigrationTopology.rows(
                                TOPICS,
                                2,
                                List.of(
                                        copyOf("inventory", "stock"),
                                        copyOf("catalog", "product"))),
                        properties);
        changes =
                driver.createInputTopic(
                        TOPICS.changes(), new ByteArraySerializer(), new ByteArraySerializer());
        target =
                driver.createOutputTopic(
                        TOPICS.target(), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @AfterEach
    void stop() {
        driver.close();
    }

    @Test
    void everyOutputOfAChangeHasTheTokenOfTheChange() {
        send(
                new ChangeEvent.Insert(2, ORIGIN, Row.of(ROW_SCHEMA, "1", "a")),
                new ChangeEvent.Insert(2, ORIGIN, Row.of(ROW_SCHEMA, "2", "a")));
        send(new ChangeEvent.Update(2, ORIGIN, Row.of(ROW_SCHEMA, "1", "b")));

        List<TargetBlock> blocks = blocks();
        assertThat(blocks)
                .extracting(TargetBlock::upTo)
                .containsExactly(new Token(2, 0, 1), new Token(2, 1, 0));
        assertThat(blocks).extracting(TargetBlock::total).containsExactly(2L, 3L);
        assertThat(blocks.stream().flatMap(block -> block.changes().stream()))
                .extracting(TargetChange::token)
                .containsExactly(
                        new Token(2, 0, 0),
                        new Token(2, 0, 0),
                        new Token(2, 0, 1),
                        new Token(2, 0, 1),
                        new Token(2, 1, 0),
                        new Token(2, 1, 0));
    }

    @Test
    void aTargetBlockIsCutOnlyBetweenChanges() {
        Row large = Row.of(ROW_SCHEMA, "1", "x".repeat(ChangeBlock.FULL / 3));
        send(
                new ChangeEvent.Insert(2, ORIGIN, large),
                new ChangeEvent.Insert(2, ORIGIN, large),
                new ChangeEvent.Insert(2, ORIGIN, large));

        List<TargetBlock> blocks = blocks();

        assertThat(blocks)
                .extracting(TargetBlock::upTo)
                .containsExactly(new Token(2, 0, 0), new Token(2, 0, 1), new Token(2, 0, 2));
        assertThat(blocks).extracting(TargetBlock::total).containsExactly(1L, 2L, 3L);
        assertThat(blocks).allSatisfy(block -> assertThat(block.changes()).hasSize(2));
    }

    @Test
    void ordersOutputsByTargetNotByFile() {
        send(new ChangeEvent.Read(2, Origin.NONE, Row.of(ROW_SCHEMA, "1", "a")));

        assertThat(outputs())
                .extracting(change -> ((TargetChange.Upsert) change).row().table())
                .containsExactly(
                        new TableId("catalog", "product"), new TableId("inventory", "stock"));
    }

    @Test
    void writesDeleteForRowOutsideTheWhere() {
        send(new ChangeEvent.Read(2, Origin.NONE, Row.of(ROW_SCHEMA, "1", "hidden")));

        assertThat(outputs())
                .hasSize(2)
                .allSatisfy(change -> assertThat(change).isInstanceOf(TargetChange.Delete.class));
    }

    @Test
    void writesRejectedRowInOrder() {
        send(new ChangeEvent.Insert(2, ORIGIN, Row.of(ROW_SCHEMA, "1", "bad")));

        assertThat(outputs())
                .first()
                .isEqualTo(
                        new TargetChange.Rejected(
                                new Token(2, 0, 0),
                                new TableId("catalog", "product"),
                                0,
                                "bad name",
                                Optional.of(
                                        Row.of(
                                                RowSchema.keyed(
                                                        new TableId("catalog", "product"),
                                                        List.of("id"),
                                                        List.of("id")),
                                                "1")),
                                Row.of(ROW_SCHEMA, "1", "bad")));
    }

    @Test
    void deletesAnInsertedRowThatALaterReadCompletes() {
        send(
                new ChangeEvent.Insert(2, ORIGIN, partial("1"), true),
                new ChangeEvent.Insert(2, ORIGIN, Row.of(ROW_SCHEMA, "2", "all"), true));

        assertThat(outputs())
                .extracting(TargetChange::getClass)
                .asString()
                .isEqualTo(
                        List.of(
                                        TargetChange.Delete.class,
                                        TargetChange.Delete.class,
                                        TargetChange.Upsert.class,
                                        TargetChange.Upsert.class)
                                .toString());
    }

    @Test
    void anUpdateThatALaterReadCompletesHasNoOutput() {
        send(
                new ChangeEvent.Update(2, ORIGIN, partial("1"), true),
                new ChangeEvent.Update(2, ORIGIN, Row.of(ROW_SCHEMA, "2", "hidden"), true));

        List<TargetBlock> blocks = blocks();

        assertThat(blocks).extracting(TargetBlock::total).containsExactly(2L);
        assertThat(blocks).extracting(TargetBlock::upTo).containsExactly(new Token(2, 0, 1));
        assertThat(blocks.getFirst().changes())
                .hasSize(2)
                .allSatisfy(change -> assertThat(change).isInstanceOf(TargetChange.Delete.class));
    }

    @Test
    void rejectsAnIncompleteRowThatNoReadCompletes() {
        send(new ChangeEvent.Update(2, ORIGIN, partial("1")));

        assertThat(outputs())
                .hasSize(2)
                .allSatisfy(change -> assertThat(change).isInstanceOf(TargetChange.Rejected.class));
    }

    private static Row partial(String id) {
        return new Row.Builder(ROW_SCHEMA).text(0, id).unchanged(1).build();
    }

    @Test
    void rowThatAMappingDoesNotConcernHasNoOutput() {
        send(
                new ChangeEvent.Insert(2, ORIGIN, Row.of(ROW_SCHEMA, FOREIGN, "a")),
                new ChangeEvent.Update(2, ORIGIN, Row.of(ROW_SCHEMA, FOREIGN, "hidden")),
                new ChangeEvent.Update(2, ORIGIN, partial(FOREIGN)),
                new ChangeEvent.Delete(
                        2,
                        ORIGIN,
                        Row.of(RowSchema.keyed(SOURCE, List.of("id"), List.of("id")), FOREIGN)));

        List<TargetBlock> blocks = blocks();

        assertThat(blocks).extracting(TargetBlock::upTo).containsExactly(new Token(2, 0, 3));
        assertThat(blocks.getFirst().changes()).isEmpty();
    }

    @Test
    void dropsOlderGenerationAndRefusesNewer() {
        send(new ChangeEvent.Insert(1, ORIGIN, Row.of(ROW_SCHEMA, "1", "a")));
        assertThat(outputs()).isEmpty();

        assertThatThrownBy(
                        () -> send(new ChangeEvent.Insert(3, ORIGIN, Row.of(ROW_SCHEMA, "1", "a"))))
                .hasRootCauseMessage(
                        "the log is at generation 3, but these mappings run generation 2");
    }

    @Test
    void forwardsWhatIsNotOfARow() {
        WatermarkNumber number = new WatermarkNumber(2, 99);
        List<TableId> targets =
                List.of(new TableId("catalog", "product"), new TableId("inventory", "stock"));
        pipe(codec.encode(new ChangeEvent.Truncate(2, ORIGIN, SOURCE, 5), 8));
        pipe(codec.encode(new ChangeEvent.Watermark(ORIGIN, number), 8));
        pipe(codec.encode(new ChangeEvent.BackfillComplete(2, SOURCE), 8));

        assertThat(outputs())
                .containsExactly(
                        new TargetChange.Truncate(new Token(2, 0, 0), targets, 5),
                        new TargetChange.Watermark(new Token(2, 1, 0), number),
                        new TargetChange.BackfillComplete(new Token(2, 2, 0), targets));
    }

    @Test
    void aRowThatTheLogCannotHoldIsRejectedWithItsReason() {
        Row row = new Row.Builder(ROW_SCHEMA).text(0, "1").unchanged(1).build();
        send(new ChangeEvent.Oversized(2, ORIGIN, row, "too large"));

        assertThat(outputs())
                .hasSize(2)
                .allSatisfy(
                        output ->
                                assertThat(output)
                                        .isInstanceOfSatisfying(
                                                TargetChange.Rejected.class,
                                                rejected -> {
                                                    assertThat(rejected.reason())
                                                            .isEqualTo("too large");
                                                    assertThat(rejected.targetKey().orElseThrow())
                                                            .extracting(key -> key.text(0))
                                                            .isEqualTo("1");
                                                }));
    }

    /// A mapping that does not need the large cells has the row, or knows that it is excluded.
    @Test
    void anOversizedRowThatAMappingCanMapIsWritten() {
        send(
                new ChangeEvent.Oversized(2, ORIGIN, Row.of(ROW_SCHEMA, "1", "a"), "too large"),
                new ChangeEvent.Oversized(
                        2, ORIGIN, Row.of(ROW_SCHEMA, "2", "hidden"), "too large"));

        assertThat(outputs())
                .extracting(Object::getClass)
                .extracting(Class::getSimpleName)
                .containsExactly("Upsert", "Upsert", "Delete", "Delete");
    }

    /// Both outputs of a change are in one record.
    @Test
    void outputsThatFitInNoRecordAreRejected() {
        String half = "x".repeat(ChangeBlock.LARGEST / 2);
        send(new ChangeEvent.Insert(2, ORIGIN, Row.of(ROW_SCHEMA, "1", half.substring(1))));
        assertThat(outputs()).allMatch(TargetChange.Upsert.class::isInstance);

        send(new ChangeEvent.Insert(2, ORIGIN, Row.of(ROW_SCHEMA, "1", half)));
        List<TargetChange> outputs = outputs();

        assertThat(outputs)
                .extracting(Object::getClass)
                .extracting(Class::getSimpleName)
                .containsExactly("Rejected", "Upsert");
        TargetChange.Rejected rejected = (TargetChange.Rejected) outputs.getFirst();
        assertThat(rejected.reason())
                .startsWith("What a row of public.product gives to the target has 66060290 bytes");
        assertThat(rejected.targetKey().orElseThrow().text(0)).isEqualTo("1");
        assertThat(rejected.image().isUnchanged(1)).isTrue();
    }

    /// Sends one block.
    private void send(ChangeEvent.OfRow... events) {
        ChangeBlock.Writer writer = codec.changes(events[0].generation());
        for (ChangeEvent.OfRow event : events) {
            writer.add(event);
        }
        total += events.length;
        pipe(writer.take(total));
    }

    private void pipe(byte[] record) {
        changes.pipeInput(new byte[0], record);
    }

    private List<TargetChange> outputs() {
        return blocks().stream().flatMap(block -> block.changes().stream()).toList();
    }

    private List<TargetBlock> blocks() {
        return target.readValuesToList().stream().map(codec::decodeTarget).toList();
    }

    /// Copies the row; 'hidden' is outside its WHERE, 'bad' cannot be mapped.
    private static Mapping copyOf(String schema, String table) {
        RowSchema rowSchema =
                RowSchema.keyed(new TableId(schema, table), List.of("id", "name"), List.of("id"));
        RowSchema key = RowSchema.keyed(rowSchema.table(), List.of("id"), List.of("id"));
        Relation.SqlType text =
                new Relation.SqlType("pg_catalog", "text", "text", -1, Optional.empty());
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row source) {
                        if (source.isUnchanged(1)) {
                            return new MappedRow.Incomplete("name is unchanged");
                        }
                        return switch (String.valueOf(source.text(1))) {
                            case "hidden" -> new MappedRow.Delete(key(source));
                            case "bad" -> new MappedRow.Rejected("bad name");
                            default ->
                                    new MappedRow.Upsert(
                                            Row.of(rowSchema, source.text(0), source.text(1)));
                        };
                    }

                    @Override
                    public Row key(Row source) {
                        return Row.of(key, source.text(0));
                    }

                    @Override
                    public boolean concerns(Row source) {
                        return !FOREIGN.equals(source.text(0));
                    }
                };
        return new Mapping(SOURCE, rowSchema, List.of(text, text), "", "", mapper);
    }
}
