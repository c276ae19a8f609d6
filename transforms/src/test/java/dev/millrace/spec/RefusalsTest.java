package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.HEAD;
import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What the file refuses, each with why and what to do. No server is asked, so nothing is created.
class RefusalsTest {

    private static void assertOnly(String text, String message) {
        assertThat(problems(text)).singleElement().asString().contains(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "//h/shop?replication=database | sets replication, but Millrace chooses the session that replicates (remove replication)",
                "//h/shop?preferQueryMode=simple | sets preferQueryMode, but Millrace chooses how statements are sent",
                "//h/shop?readOnly=true | sets readOnly, but Millrace chooses the sessions that write",
                "//h/shop?readOnlyMode=always | sets readOnlyMode, but Millrace chooses the sessions that write",
                "//h/shop?stringtype=unspecified | sets stringtype, but values are sent as text with their type",
                "//h/shop?autosave=always | sets autosave, but Millrace chooses what a failure rolls back",
                "//h/shop?service=x | sets service, but a service file exists on one machine only",
                "//h/shop?targetServerType=secondary | selects a standby, but both databases must accept writes (set targetServerType=primary)",
                "//h/shop?user=x | contains credentials, but URLs are printed in messages (use username and password, or password-file)",
                "//u:p@h/shop | contains credentials, but URLs are printed in messages",
                "//h | has no database name",
                "//h/ | has no database name",
                "//h/a/b | has a slash in the database's name (write %2F for a slash)",
                "//h/50% | has a % that does not begin an escape (write %25 for a percent sign)",
                "//h:99999/shop | has no valid host or port",
                "//h,:1/shop | has no valid host or port"
            })
    void ofAUrl(String url, String message) {
        assertOnly(VALID.replace("//localhost:5432/shop", url), "source.url: " + message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{bootstrap-servers: kafka} | kafka.bootstrap-servers: must be host:port; separate brokers with commas",
                "{bootstrap-servers: 'a:1,b'} | must be host:port; separate brokers with commas",
                "{properties: {ssl.keystore.location: x}} | applies to an external cluster, but none is configured (set kafka.bootstrap-servers)",
                "{username: m, password: p} | applies to an external cluster, but none is configured (set kafka.bootstrap-servers)",
                "{bootstrap-servers: 'a:1', password: p} | has no user (set kafka.username)",
                "{bootstrap-servers: 'a:1', username: m} | has no name or no password (set kafka.password-file)",
                "{bootstrap-servers: 'a:1', username: m, password: p, properties: {sasl.mechanism: GSSAPI}} | is used with the mechanisms PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, and without sasl.jaas.config (remove username and password, or sasl.mechanism and sasl.jaas.config)",
                "{bootstrap-servers: 'a:1', properties: {acks: '0'}} | only security.*, sasl.* and ssl.* can be set; Millrace sets every other client property (remove it)",
                "{partitions: 0} | kafka.partitions: must be an integer from 1 to",
                "{retention: 1} | must be a number and m, h or d (minutes, hours, days), at least 1m"
            })
    void ofKafka(String kafka, String message) {
        assertOnly(VALID + "kafka: " + kafka + "\n", message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "crm.Customer: SELECT id FROM a.b | has upper-case letters, which PostgreSQL folds unless they are quoted (write crm.customer, or",
                "customer: SELECT id FROM a.b | has no schema (write public.customer)",
                "a.b.c: SELECT id FROM a.b | has more parts than schema and table",
                "'*.b': SELECT * FROM a.* | '*' can replace the table, not the schema",
                "crm.customer: SELECT id FROM b ORDER BY id | remove it; tables are not ordered",
                "crm.customer: SELECT id FROM a.b LIMIT 5 | filter the rows with WHERE",
                "crm.customer: SELECT id FROM a.b OFFSET 5 | filter the rows with WHERE",
                "crm.customer: 'SELECT id FROM a.b, a.c' | a second table in FROM",
                "crm.customer: SELECT id FROM (SELECT 1) x | a subquery in FROM",
                "crm.customer: SELECT id FROM f() | a function in FROM",
                "crm.customer: SELECT id | expected FROM and the source table",
                "crm.customer: SELECT id AS FROM a.b | syntax error at 'a': expected FROM",
                "crm.customer: SELECT a < b < c AS x FROM a.b | comparisons cannot be chained; use parentheses",
                "crm.customer: SELECT id FROM a.b WHERE x ILIKE 'a' | use lower(..) LIKE with a lower-case pattern",
                "crm.customer: SELECT id FROM a.b WHERE x BETWEEN SYMMETRIC 1 AND 2 | write both orders with OR",
                "crm.customer: SELECT id FROM a.b WHERE x IN (SELECT 1) | IN with a subquery",
                "crm.customer: 'SELECT \"\" FROM a.b' | a quoted name is empty",
                "crm.customer: SELECT 1a FROM a.b | a number is followed directly by letters"
            })
    void ofATable(String table, String message) {
        assertThat(problems(HEAD + "tables:\n  " + table + "\n").toString()).contains(message);
    }
}
