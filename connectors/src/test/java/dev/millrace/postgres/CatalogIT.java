package dev.millrace.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.postgres.TableFacts.Persistence;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import dev.millrace.sql.Relation;
import dev.millrace.sql.Relation.Collation.Provider;
import dev.millrace.testing.OddNames;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class CatalogIT {

    private static final Map<TestDatabase, Login> LOGINS = new HashMap<>();

    private static <T> T source(TestDatabase database, Function<Catalog, T> question) {
        try (Connection connection =
                LOGINS.computeIfAbsent(database, GrantedLogins::source).connect()) {
            return question.apply(Catalog.ofSource(connection));
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Relation relation(TestDatabase database, String name) {
        return source(
                database, catalog -> catalog.relation(new TableId("public", name)).orElseThrow());
    }

    private static TableFacts facts(TestDatabase database, String name) {
        return source(
                database, catalog -> catalog.facts(new TableId("public", name)).orElseThrow());
    }

    @Test
    void findsNamesExactlyAsStored() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        List<String> names =
                List.of(
                        "a\"b",
                        "a.b",
                        "Case",
                        "case",
                        "new\nline",
                        "back\\slash",
                        OddNames.NAME,
                        "ä".repeat(31) + "x");
        for (String name : names) {
            database.execute(
                    "CREATE TABLE "
                            + Identifier.quote(name)
                            + " ("
                            + Identifier.quote(name)
                            + " int PRIMARY KEY)");
        }

        for (String name : names) {
            Relation relation = relation(database, name);
            assertThat(relation.id().name()).isEqualTo(name);
            assertThat(relation.key()).containsExactly(name);
            assertThat(facts(database, name).keys().primaryKey()).containsExactly(name);
        }
        assertThat(
                        CatalogIT.<Optional<Relation>>source(
                                database, c -> c.relation(new TableId("public", "CASE"))))
                .isEmpty();
    }

    @Test
    void resolvesUnqualifiedNameBySearchPath() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(
                "CREATE SCHEMA app",
                "CREATE TABLE app.t (id int)",
                "CREATE TABLE public.t (id int)",
                "CREATE TABLE app.hidden (id int)");

        assertThat(
                        CatalogIT.<Optional<TableId>>source(
                                database, c -> c.resolve(Optional.empty(), "t")))
                .contains(new TableId("public", "t"));
        assertThat(
                        CatalogIT.<Optional<TableId>>source(
                                database, c -> c.resolve(Optional.of("app"), "t")))
                .contains(new TableId("app", "t"));
        assertThat(
                        CatalogIT.<Optional<TableId>>source(
                                database, c -> c.resolve(Optional.empty(), "hidden")))
                .isEmpty();
    }

    @Test
    void readsColumnsInOrderWithBaseTypesOfDomains() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(
                "CREATE DOMAIN amount AS numeric(12,2) NOT NULL",
                "CREATE DOMAIN price AS amount CHECK (VALUE > 0)",
                "CREATE TABLE t (id bigint PRIMARY KEY, gone int, tags text[], p price, "
                        + "twice bigint GENERATED ALWAYS AS (id * 2) STORED)",
                "ALTER TABLE t DROP COLUMN gone");

        Relation relation = relation(database, "t");

        assertThat(relation.columns().stream().map(Relation.Column::name))
                .containsExactly("id", "tags", "p", "twice");
        Relation.Column price = relation.column("p").orElseThrow();
        assertThat(price.type().formatted()).isEqualTo("price");
        assertThat(price.notNull()).isTrue();
        Relation.SqlType amount = price.type().base().orElseThrow();
        assertThat(amount.formatted()).isEqualTo("amount");
        assertThat(amount.base().orElseThrow().formatted()).isEqualTo("numeric(12,2)");
        assertThat(amount.base().orElseThrow().modifier()).isEqualTo((12 << 16 | 2) + 4);
        assertThat(relation.column("tags").orElseThrow().type().name()).isEqualTo("_text");
        assertThat(relation.column("twice").orElseThrow().generated()).isTrue();
        assertThat(relation.column("id").orElseThrow().generated()).isFalse();
    }

    @Test
    void sourceKeyIsReplicaIdentity() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(
                "CREATE TABLE by_key (a int, b int, PRIMARY KEY (b, a))",
                "CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL UNIQUE)",
                "ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code_key",
                "CREATE TABLE full_key (id int PRIMARY KEY)",
                "ALTER TABLE full_key REPLICA IDENTITY FULL",
                "CREATE TABLE full_bare (id int)",
                "ALTER TABLE full_bare REPLICA IDENTITY FULL",
                "CREATE TABLE nothing (id int PRIMARY KEY)",
                "ALTER TABLE nothing REPLICA IDENTITY NOTHING",
                "CREATE TABLE bare (id int)",
                "CREATE TABLE late (id int PRIMARY KEY DEFERRABLE)",
                "CREATE TABLE dropped_index (id int PRIMARY KEY, code int NOT NULL)",
                "CREATE UNIQUE INDEX chosen ON dropped_index (code)",
                "ALTER TABLE dropped_index REPLICA IDENTITY USING INDEX chosen",
                "DROP INDEX chosen");

        assertThat(relation(database, "by_key").key()).containsExactly("b", "a");
        assertThat(relation(database, "by_index").key()).containsExactly("code");
        assertThat(relation(database, "full_key").key()).containsExactly("id");
        for (String keyless : List.of("full_bare", "nothing", "bare", "late", "dropped_index")) {
            assertThat(relation(database, keyless).key()).as(keyless).isEmpty();
        }
        assertThat(facts(database, "by_index").keys().primaryKey()).containsExactly("id");
        assertThat(facts(database, "nothing").keys().identity()).isEqualTo(ReplicaIdentity.NOTHING);
    }

    @Test
    void targetKeyIsPrimaryKey() throws SQLException {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL UNIQUE)",
                "ALTER TABLE t REPLICA IDENTITY USING INDEX t_code_key");

        try (Connection connection = GrantedLogins.target(database).connect()) {
            assertThat(
                            Catalog.ofTarget(connection)
                                    .relation(new TableId("public", "t"))
                                    .orElseThrow()
                                    .key())
                    .containsExactly("id");
        }
    }

    @Test
    void readsProviderAndDeterminismOfCollations() {
        TestDatabase icu =
                PostgresServer.shared()
                        .newDatabase(
                                "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'und'");
        icu.execute(
                "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                "CREATE TABLE t (id int, a text, b text COLLATE \"C\", c text COLLATE loose, "
                        + "d text COLLATE ucs_basic)");
        TestDatabase builtin =
                PostgresServer.shared()
                        .newDatabase(
                                "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'");
        builtin.execute("CREATE TABLE t (a text)");
        TestDatabase plain = PostgresServer.shared().newDatabase();
        plain.execute("CREATE TABLE t (a text)");

        Relation relation = relation(icu, "t");
        assertThat(relation.column("id").orElseThrow().collation())
                .isEqualTo(Relation.Collation.NONE);
        assertThat(provider(relation, "a")).isEqualTo(Provider.ICU);
        assertThat(relation.column("a").orElseThrow().collation().name()).isEqualTo("default");
        assertThat(provider(relation, "b")).isEqualTo(Provider.C);
        assertThat(provider(relation, "c")).isEqualTo(Provider.ICU);
        assertThat(relation.column("c").orElseThrow().collation().deterministic()).isFalse();
        assertThat(provider(relation, "d")).isEqualTo(Provider.C);
        assertThat(provider(relation(builtin, "t"), "a")).isEqualTo(Provider.BUILTIN);
        assertThat(provider(relation(plain, "t"), "a")).isEqualTo(Provider.C);
    }

    private static Provider provider(Relation relation, String column) {
        return relation.column(column).orElseThrow().collation().provider();
    }

    @Test
    void listsAllRelationsOfSchemaWithTheirKinds() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(
                "CREATE TABLE plain (id int PRIMARY KEY)",
                "CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)",
                "CREATE VIEW seen AS SELECT 1 AS one",
                "CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                "CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE leaf REPLICA IDENTITY FULL");

        List<TableFacts> tables = source(database, catalog -> catalog.tables("public"));

        assertThat(tables.stream().map(table -> table.id().name()))
                .containsExactly("fleeting", "leaf", "plain", "root", "seen");
        assertThat(tables.stream().map(TableFacts::kind))
                .containsExactly(
                        Kind.TABLE, Kind.TABLE, Kind.TABLE, Kind.PARTITIONED_TABLE, Kind.VIEW);
        assertThat(tables.getFirst().persistence()).isEqualTo(Persistence.UNLOGGED);
        assertThat(tables.get(1).root()).contains(new TableId("public", "root"));
        assertThat(tables.get(3).partitions())
                .singleElement()
                .satisfies(
                        leaf -> assertThat(leaf.keys().identity()).isEqualTo(ReplicaIdentity.FULL));
        assertThat(
                        CatalogIT.<List<TableFacts>>source(
                                database, catalog -> catalog.tables("nowhere")))
                .isEmpty();
    }

    @Test
    void factsContainConstraintsTriggersAndColumnsOfTable() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(
                "CREATE TABLE parent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text, n int DEFAULT 1)",
                "CREATE TABLE child (id int PRIMARY KEY, parent int CONSTRAINT child_parent REFERENCES parent)",
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE TRIGGER usual BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION f()",
                "CREATE TRIGGER always BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION f()",
                "ALTER TABLE child ENABLE ALWAYS TRIGGER always",
                "CREATE TRIGGER off BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION f()",
                "ALTER TABLE child DISABLE TRIGGER off");

        TableFacts parent = facts(database, "parent");
        TableFacts child = facts(database, "child");

        assertThat(parent.columns().identityAlways()).containsExactly("id");
        assertThat(parent.columns().defaulted()).containsExactly("id", "n");
        assertThat(parent.columns().toastable()).containsExactly("note");
        assertThat(parent.dependents().referencedBy()).containsExactly("child");
        assertThat(parent.estimatedRows()).isEmpty();
        assertThat(child.dependents().references()).containsExactly("child_parent");
        assertThat(child.dependents().triggers()).containsExactly("usual");
        assertThat(child.dependents().replicaTriggers())
                .containsExactly(new TableFacts.Member(child.id(), "always"));
        assertThat(child.access().owned()).isTrue();
    }
}
