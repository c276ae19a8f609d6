package dev.millrace.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.expression.CaseMaps;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.postgres.types.CaseMapReader;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CaseMapReaderIT {

    private static CaseMaps read(TestDatabase database, String... collations) {
        try (Database opened = GrantedLogins.capture("m", database).database("case");
                Session session = opened.session()) {
            return CaseMapReader.read(session, List.of(collations));
        }
    }

    private static CaseMaps.CaseMap map(CaseMaps maps, String collation) {
        return Objects.requireNonNull(maps.collations().get(collation));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "26 | false | LOCALE 'C'",
                "1300 | false | LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
                "1300 | true | LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'",
                "1300 | false | LOCALE 'C.utf8'"
            })
    void readsCaseMapOfDefaultCollation(int atLeast, boolean sigma, String options) {
        TestDatabase database = PostgresServer.shared().newDatabase("ENCODING 'UTF8' " + options);

        CaseMaps.CaseMap map = map(read(database, "default"), "default");

        assertThat(map.lower().size()).isGreaterThanOrEqualTo(atLeast);
        assertThat(map.lower().get(65)).isEqualTo("a");
        assertThat(map.contextual().contains(0x3A3)).isEqualTo(sigma);
        assertThat(
                        database.query(
                                "SELECT count(*) FROM generate_series(1, 55295) AS i WHERE lower(chr(i))"
                                        + " COLLATE \"C\" <> chr(i)"))
                .isEqualTo(
                        List.of(
                                List.of(
                                        String.valueOf(
                                                map.lower().keySet().stream()
                                                        .filter(c -> c < 55296)
                                                        .count()))));
    }

    @Test
    void omitsCollationsWithUnsupportedContextRules() {
        TestDatabase database = PostgresServer.shared().newDatabase();

        CaseMaps maps = read(database, "tr-x-icu", "el-x-icu", "de-x-icu", "none");

        assertThat(maps.collations().keySet()).containsExactly("de-x-icu");
        assertThat(map(maps, "de-x-icu").upper().get(0xDF)).isEqualTo("SS");
    }

    @Test
    void findsCollationOfAnotherSchemaByQualifiedName() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(
                "CREATE SCHEMA other",
                "CREATE COLLATION other.\"My coll\" (provider = icu, locale = 'und')",
                "CREATE TABLE t (v text COLLATE other.\"My coll\")");

        assertThat(read(database, "other.My coll").collations()).hasSize(1);
    }
}
