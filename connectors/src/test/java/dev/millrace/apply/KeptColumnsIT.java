package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.rows.TableWriter;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableRule.Truncation;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.mapping.WayBack;
import dev.millrace.sql.Node;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Rows that carry only a part of a column's value: the existing value stays unless the other side
/// changed its part.
class KeptColumnsIT {

    private static final TestDatabase DATABASE = PostgresServer.shared().newDatabase();

    /// The statements that write a row.
    private enum Form {
        ARRAYS,
        STAGING,
        UPDATE
    }

    private final RowSchema schema = ApplierScenario.rowSchema("kept", "id", "v", "other");

    private static WayBack.Kept kept(String expression, boolean isText) {
        return switch (SelectParser.parse("SELECT " + expression + " AS x FROM kept k")) {
            case ParseResult.Parsed(SelectStatement statement)
                    when statement.items().getFirst()
                            instanceof SelectStatement.Item.Expression(_, Node node, _) ->
                    new WayBack.Kept(node, isText);
            case ParseResult other -> throw new AssertionError(other.toString());
        };
    }

    private static Login create(String type) {
        DATABASE.execute(
                "DROP TABLE IF EXISTS kept",
                "CREATE TABLE kept (id int PRIMARY KEY, v " + type + ", other text)");
        return GrantedLogins.apply(DATABASE);
    }

    private static void insert(@Nullable String value) {
        DATABASE.execute(
                "TRUNCATE kept",
                "INSERT INTO kept VALUES (1, "
                        + (value == null ? "NULL" : "'" + value + "'")
                        + ", 'old')");
    }

    private void write(Login login, Form form, WayBack.Kept kept, @Nullable String value)
            throws Exception {
        try (TargetSession session = ApplierScenario.session(login)) {
            Connection connection = session.connection();
            TableWriter writer =
                    new TableWriter(
                            connection,
                            schema,
                            1,
                            new TableRule(Map.of("v", kept), new Truncation.Table()),
                            form == Form.STAGING ? 1 : 1_000);
            switch (form) {
                case ARRAYS, STAGING ->
                        writer.upsert(
                                List.of(
                                        Row.of(schema, "1", value, "new"),
                                        Row.of(schema, "2", value, "new")));
                case UPDATE ->
                        writer.update(
                                List.of(
                                        new Row.Builder(schema)
                                                .text(0, "1")
                                                .text(1, value)
                                                .unchanged(2)
                                                .build()));
            }
            connection.commit();
        }
    }

    private void assertWritten(
            String type,
            WayBack.Kept kept,
            @Nullable String existing,
            @Nullable String arriving,
            @Nullable String expected)
            throws Exception {
        Login login = create(type);
        for (Form form : Form.values()) {
            insert(existing);
            write(login, form, kept, arriving);

            assertThat(DATABASE.value("SELECT v::text FROM kept WHERE id = 1"))
                    .as("%s of %s over %s", form, arriving, existing)
                    .isEqualTo(expected);
            if (form != Form.UPDATE) {
                assertThat(DATABASE.query("SELECT other FROM kept ORDER BY id"))
                        .isEqualTo(List.of(List.of("new"), List.of("new")));
                assertThat(DATABASE.value("SELECT v::text FROM kept WHERE id = 2"))
                        .as("a new row has what arrives")
                        .isEqualTo(arriving);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "NULL",
            value = {
                "A@x, a@x, A@x",
                "A@x, a@X, A@x",
                "A@x, b@x, b@x",
                "A@x, NULL, NULL",
                "NULL, a@x, a@x",
                "NULL, NULL, NULL"
            })
    void caseOfLettersStaysUnlessTheTextChanged(
            @Nullable String existing, @Nullable String arriving, @Nullable String expected)
            throws Exception {
        assertWritten("varchar(9)", kept("lower(k.v)", true), existing, arriving, expected);
    }

    @ParameterizedTest
    @CsvSource({"1.005, 1.01, 1.005", "1.005, 1.02, 1.02", "1.014, 1.01, 1.014"})
    void roundedNumberStaysUnlessItsRoundingChanged(
            String existing, String arriving, String expected) throws Exception {
        assertWritten(
                "numeric", kept("CAST(v AS numeric(10,2))", false), existing, arriving, expected);
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "NULL",
            value = {"NULL, '', NULL", "NULL, x, x", "x, '', ''"})
    void missingValueStaysUnlessItsReplacementChanged(
            @Nullable String existing, String arriving, @Nullable String expected)
            throws Exception {
        assertWritten("text", kept("COALESCE(v, '')", true), existing, arriving, expected);
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "NULL",
            value = {"'', NULL, ''", "'', x, x", "x, NULL, NULL"})
    void valueThatIsNullOnTheOtherSideStaysUnlessItIsNotNullThere(
            String existing, @Nullable String arriving, @Nullable String expected)
            throws Exception {
        assertWritten("text", kept("NULLIF(v, '')", true), existing, arriving, expected);
    }

    @ParameterizedTest
    @CsvSource({"'A  ', a, 'A  '", "'A  ', b, 'b  '"})
    void paddedTextIsComparedWithoutItsPadding(String existing, String arriving, String expected)
            throws Exception {
        Login login = create("char(3)");
        for (Form form : Form.values()) {
            insert(existing);
            write(login, form, kept("lower(v)", true), arriving);

            assertThat(DATABASE.value("SELECT rpad(v, 3) FROM kept WHERE id = 1"))
                    .as(form.toString())
                    .isEqualTo(expected);
        }
    }

    /// The column's collation calls 'ABC' and 'abc' equal.
    @ParameterizedTest
    @EnumSource
    void textsThatOnlyACollationCallsEqualDiffer(Form form) throws Exception {
        DATABASE.execute(
                "DROP TABLE IF EXISTS kept",
                "DROP COLLATION IF EXISTS ignoring_case",
                "CREATE COLLATION ignoring_case (provider = icu, locale = 'und-u-ks-level2',"
                        + " deterministic = false)");
        Login login = create("text COLLATE ignoring_case");
        insert("abc");

        write(login, form, kept("CAST(v AS varchar(9))", true), "ABC");

        assertThat(DATABASE.value("SELECT v FROM kept WHERE id = 1")).isEqualTo("ABC");
    }
}
