package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `runbook` without any server.
class RunbookVerbTest {

    private static final String SECRET = "sentinel-4711";

    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("millrace.yaml");
        Files.writeString(
                file,
                """
                migration: shop
                source: {url: 'jdbc:postgresql://127.0.0.1:1/shop?applicationName=x', username: u, password: '${SOURCE_PASSWORD}'}
                target: {url: 'jdbc:postgresql://127.0.0.1:1/crm', username: u, password: %1$s}
                wal-budget: 20GB
                stop-when:
                - {metric: target.commit.p95, above: 200ms, for: 30s, then: pause-backfill}
                - {name: jobs, sql: "SELECT count(*) FROM job WHERE state = '%1$s'", on: source, above: 1000, then: block-switchover}
                tables:
                  crm.customer: SELECT id, '%1$s' AS kind FROM public.users
                  public.*: SELECT * FROM public.*
                switchover:
                  timeout: 90s
                  route:
                  - flag: {side: source, table: app.routing, column: active, old: %1$s, new: target}
                  - webhook: {url: 'https://router.internal/%1$s', token: %1$s}
                """
                        .formatted(SECRET));
    }

    private Invocation runbook(Map<String, String> environment, String... more) {
        String[] arguments = new String[3 + more.length];
        arguments[0] = "runbook";
        arguments[1] = "-c";
        arguments[2] = file.toString();
        System.arraycopy(more, 0, arguments, 3, more.length);
        return new Invocation().with(environment).run(arguments);
    }

    @Test
    void isFilledInFromTheFileWithoutServersAndPasswords() {
        Invocation run = runbook(Map.of());

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out())
                .startsWith("# Runbook of migration shop\n")
                .contains(
                        "from 127.0.0.1:1/shop to 127.0.0.1:1/crm",
                        "- crm.customer from public.users\n",
                        "- all other tables of public from public\n",
                        "- source 127.0.0.1:1/shop: ____",
                        "- flag: app.routing.active on the source\n",
                        "- webhook: https://router.internal\n",
                        "- timeout 1 min 30 s\n",
                        "- target.commit.p95 above 200ms for 30s: pause-backfill\n",
                        "- jobs above 1000 for 10s: block-switchover\n",
                        "WAL budget of the source 20GB",
                        "Triggers on the source read a lease",
                        "arm, hold, fence, prove, watermark, applied, verdict, sequences, permanent",
                        "$ millrace plan -c " + file)
                .doesNotContain(SECRET);
    }

    @Test
    void theHtmlFileHasTheSameTextAndLoadsNothing() throws IOException {
        Path html = folder.resolve("runbook.html");

        Invocation run = runbook(Map.of("SOURCE_PASSWORD", SECRET), "--html", html.toString());

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).contains("Runbook written to");
        assertThat(Files.readString(html))
                .contains("crm.customer from public.users", "millrace switchover --dry-run")
                .doesNotContain(SECRET, "http://", "<script", "src=");
    }

    @Test
    void anInvalidFileIsRefused() throws IOException {
        Files.writeString(file, Files.readString(file).replace("wal-budget", "wal-bugdet"));

        Invocation run = runbook(Map.of());

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("wal-bugdet");
    }

    @Test
    void grantsNeedNoPassword() {
        Invocation run = new Invocation().run("grants", "-c", file.toString(), "--side", "source");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("CREATE ROLE");
    }
}
