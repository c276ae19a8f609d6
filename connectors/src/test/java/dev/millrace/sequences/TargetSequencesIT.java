package dev.millrace.sequences;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.change.TableId;
import dev.millrace.sequences.SequencePlan.Move;
import dev.millrace.sequences.SequencePlan.Position;
import dev.millrace.testing.OddNames;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Which sequences are advanced, and how far, with real servers.
class TargetSequencesIT {

    private static final int MARGIN = 100;

    private final SequenceScene scene = new SequenceScene();

    @AfterEach
    void close() {
        scene.close();
    }

    private void insertWithoutKey(String table) {
        scene.onTarget("INSERT INTO " + table + " DEFAULT VALUES");
    }

    private long largest(String column, String table) {
        return Long.parseLong(
                String.valueOf(
                        scene.target.value("SELECT max(" + column + ")::int8 FROM " + table)));
    }

    private static Move only(List<Move> moves) {
        assertThat(moves).hasSize(1);
        return moves.getFirst();
    }

    /// sinwoobang/dms-psql-post-data#5: rows are copied with their keys, and the identity's
    /// sequence, which is not in a default, is forgotten.
    @Test
    void identitySequencesAreNotForgotten() throws Exception {
        for (String kind : List.of("ALWAYS", "BY DEFAULT")) {
            String table = kind.equals("ALWAYS") ? "a" : "b";
            scene.onBoth(
                            "CREATE TABLE %s (id bigint GENERATED %s AS IDENTITY PRIMARY KEY, name text)"
                                    .formatted(table, kind))
                    .onSource(
                            "INSERT INTO "
                                    + table
                                    + " (name) SELECT 'n' FROM generate_series(1, 50)")
                    .onTarget(
                            "INSERT INTO %s (id, name) OVERRIDING SYSTEM VALUE SELECT g, 'n' FROM generate_series(1, 50) g"
                                    .formatted(table))
                    .table(table, "SELECT id, name FROM " + table);
        }
        assertThatThrownBy(() -> insertWithoutKey("a")).hasMessageContaining("a_pkey");

        List<Move> moves = scene.advance(MARGIN);

        assertThat(moves)
                .extracting(Move::sequence, Move::columns, Move::to)
                .containsExactly(
                        tuple(
                                new TableId("public", "a_id_seq"),
                                List.of("public.a.id"),
                                new Position(151, true)),
                        tuple(
                                new TableId("public", "b_id_seq"),
                                List.of("public.b.id"),
                                new Position(151, true)));
        insertWithoutKey("a");
        insertWithoutKey("b");
        assertThat(largest("id", "a")).isEqualTo(152);
    }

    /// The last row is deleted, so only the sequence of the source knows its key. An undone
    /// transaction leaves such a gap too.
    @Test
    void aKeyThatOnlyTheSourceSequenceKnowsIsNotGivenAgain() throws Exception {
        scene.onBoth("CREATE TABLE a (id serial PRIMARY KEY, name text)")
                .onSource(
                        "INSERT INTO a (name) SELECT 'n' FROM generate_series(1, 90)",
                        "DELETE FROM a")
                .table("a", "SELECT id, name FROM a");

        Move move = only(scene.advance(1));

        assertThat(move.from()).isEqualTo(new Position(1, false));
        assertThat(move.to()).isEqualTo(new Position(92, true));
        assertThat(move.basis()).isEqualTo("public.a_id_seq on the source (90)");
    }

    /// A session of the source takes 500 values, which are before the sequence's position.
    @Test
    void valuesThatASessionOfTheSourceHoldsAreNotGivenAgain() throws Exception {
        scene.onBoth("CREATE TABLE a (id serial PRIMARY KEY, name text)")
                .onSource("ALTER SEQUENCE a_id_seq CACHE 500", "SELECT nextval('a_id_seq')")
                .table("a", "SELECT id, name FROM a");

        scene.advance(1);

        insertWithoutKey("a");
        assertThat(largest("id", "a")).isGreaterThan(1_000);
    }

    @Test
    void aRowWithAChosenKeyIsNotMetAgain() throws Exception {
        scene.onBoth(
                        "CREATE TABLE a (id serial PRIMARY KEY, name text)",
                        "INSERT INTO a VALUES (700)")
                .table("a", "SELECT id, name FROM a");

        assertThat(only(scene.advance(MARGIN)).basis()).isEqualTo("a row in public.a.id (700)");

        insertWithoutKey("a");
        assertThat(largest("id", "a")).isEqualTo(801);
    }

    @Test
    void aComputedKeyContinuesBeyondTheRowsOfTheTarget() throws Exception {
        scene.onSource(
                        "CREATE TABLE a (id serial PRIMARY KEY, number int)",
                        "SELECT setval('a_id_seq', 100000)")
                .onTarget(
                        "CREATE TABLE a (id int PRIMARY KEY, number bigserial)",
                        "INSERT INTO a VALUES (1, 1500)")
                .table("a", "SELECT id, CAST(number + 1000 AS bigint) AS number FROM a");

        Move move = only(scene.advance(MARGIN));

        assertThat(move.to()).isEqualTo(new Position(1_600, true));
        assertThat(move.basis()).isEqualTo("a row in public.a.number (1500)");
    }

    @Test
    void aSecondCallChangesNothing() throws Exception {
        scene.onBoth("CREATE TABLE a (id serial PRIMARY KEY, name text)")
                .onSource("SELECT setval('a_id_seq', 900)")
                .table("a", "SELECT id, name FROM a");
        Move first = only(scene.advance(MARGIN));

        Move second = only(scene.advance(MARGIN));

        assertThat(second.changes()).isFalse();
        assertThat(second.from()).isEqualTo(first.to());
    }

    @Test
    void aSequenceIsNeverLowered() throws Exception {
        scene.onBoth("CREATE TABLE a (id serial PRIMARY KEY, name text)")
                .onSource("SELECT setval('a_id_seq', 900)")
                .onTarget("SELECT setval('a_id_seq', 5000)")
                .table("a", "SELECT id, name FROM a");

        assertThat(only(scene.advance(MARGIN)).changes()).isFalse();
        assertThat(scene.positions()).isEqualTo("public.a_id_seq 5000");
    }

    @Test
    void aPlanChangesNothing() throws Exception {
        scene.onBoth("CREATE TABLE a (id serial PRIMARY KEY, name text)")
                .onSource("SELECT setval('a_id_seq', 900)")
                .table("a", "SELECT id, name FROM a");

        SequencePlan plan = scene.sequences().plan(MARGIN);

        assertThat(plan.isReady()).isTrue();
        assertThat(only(plan.moves()).to()).isEqualTo(new Position(1_001, true));
        assertThat(scene.positions()).isEqualTo("public.a_id_seq -");
        assertThat(scene.advance(MARGIN)).isEqualTo(plan.moves());
    }

    @Test
    void findsEveryWayInWhichASequenceSuppliesAColumn() throws Exception {
        String odd = OddNames.QUOTED;
        for (var database : List.of(scene.source, scene.target)) {
            database.execute(
                    "CREATE SCHEMA keys",
                    "CREATE SEQUENCE keys.shared",
                    "CREATE TABLE left_side (id bigint PRIMARY KEY DEFAULT nextval('keys.shared'), n int)",
                    "CREATE TABLE right_side (id bigint PRIMARY KEY DEFAULT nextval('keys.shared'), n int)",
                    "CREATE SEQUENCE keys.of_domain",
                    "CREATE DOMAIN keys.number AS bigint DEFAULT nextval('keys.of_domain')",
                    "CREATE DOMAIN keys.narrow AS keys.number CHECK (VALUE > 0)",
                    "CREATE TABLE by_domain (id keys.narrow PRIMARY KEY, n int)",
                    "CREATE TABLE overridden (id keys.number PRIMARY KEY DEFAULT 5, n int)",
                    "CREATE SEQUENCE keys.late",
                    "CREATE TABLE bound_late (id bigint PRIMARY KEY DEFAULT nextval('keys.late'::text), n int)",
                    "CREATE SEQUENCE owned",
                    "CREATE TABLE by_trigger (id bigint PRIMARY KEY, n int)",
                    "ALTER SEQUENCE owned OWNED BY by_trigger.id",
                    "CREATE SEQUENCE keys.cast",
                    "CREATE TABLE by_cast (id int PRIMARY KEY DEFAULT nextval('keys.cast')::int, n int)",
                    "CREATE TABLE %1$s (%1$s int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int)"
                            .formatted(odd),
                    "CREATE TABLE parted (id bigserial, n int, PRIMARY KEY (id, n)) PARTITION BY LIST (n)",
                    "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1)",
                    "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2)",
                    "CREATE SEQUENCE keys.leaf",
                    "ALTER TABLE parted_2 ALTER id SET DEFAULT nextval('keys.leaf')",
                    "CREATE TABLE by_uuid (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int)",
                    "CREATE TABLE by_text (id text PRIMARY KEY, n int)");
        }
        for (String table :
                List.of(
                        "left_side",
                        "right_side",
                        "by_domain",
                        "overridden",
                        "bound_late",
                        "by_trigger",
                        "by_cast",
                        "parted",
                        "by_uuid",
                        "by_text")) {
            scene.table(table, "SELECT id, n FROM " + table);
        }
        scene.table("public." + OddNames.NAME, "SELECT %1$s, n FROM %1$s".formatted(odd));
        scene.source.query(
                """
                SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1000)
                FROM pg_sequences""");
        scene.onTarget("INSERT INTO parted VALUES (3000, 1)");
        scene.followRemedies();

        List<Move> moves = scene.advance(MARGIN);

        String oddColumn = "public.%1$s.%1$s".replace("%1$s", OddNames.NAME);
        assertThat(moves)
                .filteredOn(move -> move.columns().equals(List.of(oddColumn)))
                .singleElement()
                .matches(move -> move.to().lastValue() == 1_101);
        assertThat(moves)
                .filteredOn(move -> !move.columns().equals(List.of(oddColumn)))
                .extracting(
                        move ->
                                move.sequence()
                                        + " "
                                        + move.to().lastValue()
                                        + " "
                                        + String.join(" ", move.columns()))
                .containsExactlyInAnyOrder(
                        "keys.shared 1101 public.left_side.id public.right_side.id",
                        "keys.of_domain 1101 public.by_domain.id",
                        "keys.late 1101 public.bound_late.id",
                        "public.owned 1101 public.by_trigger.id",
                        "keys.cast 1101 public.by_cast.id",
                        "keys.leaf 3100 public.parted.id",
                        "public.parted_id_seq 3100 public.parted.id");
    }

    @Test
    void mergedTablesContinueBeyondEverySource() throws Exception {
        scene.onSource(
                        "CREATE TABLE order_eu (id serial PRIMARY KEY, n int)",
                        "CREATE TABLE order_us (id serial PRIMARY KEY, n int)",
                        "SELECT setval('order_eu_id_seq', 200)",
                        "SELECT setval('order_us_id_seq', 9000)")
                .onTarget(
                        "CREATE TABLE order_all (region text, id bigserial, n int, PRIMARY KEY (region, id))",
                        "INSERT INTO order_all VALUES ('eu', 150), ('us', 8000)")
                .table("order_all", "SELECT 'eu' AS region, id, n FROM order_eu")
                .table("order_all", "SELECT 'us' AS region, id, n FROM order_us");

        assertThat(only(scene.advance(MARGIN)).to()).isEqualTo(new Position(9_101, true));
        assertThat(scene.readability())
                .singleElement()
                .satisfies(
                        note -> {
                            assertThat(note.blocks()).isFalse();
                            assertThat(note.object()).contains("public.order_all.id");
                            assertThat(note.message()).contains("no index");
                        });
    }

    @Test
    void bothPartsOfASplitTableContinueBeyondIt() throws Exception {
        scene.onSource(
                        "CREATE TABLE product (id serial PRIMARY KEY, name text, on_hand int)",
                        "SELECT setval('product_id_seq', 400)")
                .onTarget(
                        "CREATE TABLE product (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)",
                        "CREATE TABLE stock (product_id bigserial PRIMARY KEY, on_hand int)")
                .table("product", "SELECT id, name FROM product")
                .table("stock", "SELECT CAST(id AS bigint) AS product_id, on_hand FROM product");

        assertThat(scene.advance(MARGIN)).allMatch(move -> move.to().lastValue() == 501).hasSize(2);
    }

    @Test
    void freeStandingSequencesOfAWildcardCorrespondByName() throws Exception {
        scene.onSource(
                        "CREATE SEQUENCE invoice",
                        "CREATE SEQUENCE forgotten",
                        "SELECT setval('invoice', 70)")
                .onTarget(
                        "CREATE SCHEMA crm",
                        "CREATE SEQUENCE crm.invoice",
                        "CREATE SEQUENCE crm.own",
                        "CREATE SEQUENCE invoice")
                .wildcard("public", "crm");
        scene.followRemedies();

        assertThat(only(scene.advance(MARGIN)).to()).isEqualTo(new Position(171, true));
        assertThat(scene.positions()).isEqualTo("crm.invoice 171, crm.own -, public.invoice -");
        assertThat(scene.readability())
                .singleElement()
                .matches(note -> !note.blocks() && note.object().contains("public.forgotten"));
    }

    /// The keys were given by the source, and the target's tables were made without an identity.
    @Test
    void namesTheIdentityThatTheTargetDoesNotHave() throws Exception {
        scene.onSource(
                        "CREATE TABLE product (id bigserial PRIMARY KEY, name text, on_hand int)",
                        "SELECT setval('product_id_seq', 50)")
                .onTarget(
                        "CREATE TABLE product (id bigint PRIMARY KEY, name text)",
                        "CREATE TABLE stock (product_id bigint PRIMARY KEY, on_hand int)")
                .table("product", "SELECT id, name FROM product")
                .table("stock", "SELECT id AS product_id, on_hand FROM product");

        List<SequencePlan.Finding> findings = scene.readability();

        assertThat(findings).hasSize(1);
        assertThat(findings.getFirst().blocks()).isFalse();
        assertThat(findings.getFirst().object())
                .isEqualTo("sequence public.product_id_seq of the source");
        assertThat(findings.getFirst().message())
                .contains("public.product.id, public.stock.product_id");
        String remedy = findings.getFirst().remedy();
        scene.onTarget(remedy.substring(remedy.indexOf("ALTER")));
        assertThat(scene.readability()).isEmpty();
        assertThat(only(scene.advance(MARGIN)).to()).isEqualTo(new Position(151, true));
        insertWithoutKey("product");
    }

    @Test
    void descendingAndNegativeKeysContinueDownwards() throws Exception {
        scene.onBoth(
                        "CREATE SEQUENCE down INCREMENT -1",
                        "CREATE TABLE a (id bigint PRIMARY KEY DEFAULT nextval('down'), n int)",
                        "CREATE TABLE b (id bigserial PRIMARY KEY, n int)",
                        "INSERT INTO b VALUES (-4), (-3)")
                .onSource("INSERT INTO a (n) SELECT g FROM generate_series(1, 30) g")
                .onTarget("INSERT INTO a SELECT -g FROM generate_series(1, 30) g")
                .table("a", "SELECT id, n FROM a")
                .table("b", "SELECT id, n FROM b");

        scene.advance(MARGIN);

        assertThat(scene.positions()).isEqualTo("public.b_id_seq 101, public.down -131");
        insertWithoutKey("a");
        insertWithoutKey("b");
    }

    @Test
    void anExhaustedIdentityIsRefusedByNameBeforeAnyChange() throws Exception {
        scene.onBoth(
                        "CREATE TABLE a (id serial PRIMARY KEY, n int)",
                        "CREATE TABLE tiny (id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int)")
                .onSource("SELECT setval('tiny_id_seq', 32700)", "SELECT setval('a_id_seq', 50)")
                .table("a", "SELECT id, n FROM a")
                .table("tiny", "SELECT id, n FROM tiny");

        var refused = scene.refused(MARGIN);

        assertThat(refused)
                .singleElement()
                .satisfies(
                        finding -> {
                            assertThat(finding.object())
                                    .isEqualTo(
                                            "sequence public.tiny_id_seq of the target (public.tiny.id)");
                            assertThat(finding.message()).startsWith("has no value left");
                        });
        assertThat(scene.positions()).isEqualTo("public.a_id_seq -, public.tiny_id_seq -");

        scene.onTarget(refused.getFirst().remedy());
        scene.advance(MARGIN);
        insertWithoutKey("tiny");
        assertThat(largest("id", "tiny")).isEqualTo(32_802);
    }

    /// Values that are computed from a sequence show its position only if both sides compute them
    /// in the same way.
    @Test
    void anExpressionAroundASequenceMustBeTheSameOnBothSides() throws Exception {
        scene.onBoth(
                        "CREATE SEQUENCE code",
                        "CREATE TABLE same (id int PRIMARY KEY, code text DEFAULT 'C' || nextval('code'))",
                        "CREATE SEQUENCE other")
                .onSource(
                        "CREATE TABLE differs (id int PRIMARY KEY, code text DEFAULT 'E' || nextval('code'))",
                        "SELECT setval('code', 60)")
                .onTarget(
                        "CREATE TABLE differs (id int PRIMARY KEY, code text DEFAULT 'D' || nextval('other'))",
                        "CREATE SEQUENCE own",
                        "CREATE TABLE more (id int PRIMARY KEY, extra text DEFAULT 'X' || nextval('own'))")
                .table("same", "SELECT id, code FROM same")
                .table("more", "SELECT id FROM same");
        assertThat(scene.advance(MARGIN))
                .extracting(move -> move.sequence().name() + " " + move.to())
                .containsExactly("code 161", "own 1, not used yet");

        scene.table("differs", "SELECT id, code FROM differs");

        assertThat(scene.refused(MARGIN))
                .singleElement()
                .satisfies(
                        finding -> {
                            assertThat(finding.object()).contains("public.other");
                            assertThat(finding.message()).contains("('D'::text || nextval)");
                        });
    }

    @Test
    void namesSequencesThatOnlyAFunctionUsesAndSharedOnes() throws Exception {
        scene.onBoth(
                        "CREATE SEQUENCE everywhere",
                        "CREATE TABLE a (id int PRIMARY KEY DEFAULT nextval('everywhere'), n int)")
                .onSource("CREATE TABLE not_moved (id int DEFAULT nextval('everywhere'))")
                .onTarget(
                        "CREATE SEQUENCE hidden",
                        """
                        CREATE FUNCTION number() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN NEW.n := nextval('hidden'); RETURN NEW; END $$""",
                        "CREATE TRIGGER numbered BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION number()")
                .table("a", "SELECT id, n FROM a");

        assertThat(scene.readability())
                .noneMatch(SequencePlan.Finding::blocks)
                .extracting(SequencePlan.Finding::object)
                .containsExactly(
                        "sequence public.everywhere of the source",
                        "trigger numbered of table public.a on the target");
    }
}
