package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.MillraceService;
import dev.millrace.approval.Approvals;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.console.Browser;
import dev.millrace.ending.Ending;
import dev.millrace.ending.MigrationEnd;
import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationDefinition.TableDefinition;
import dev.millrace.http.MigrationHost.ServedMigration;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.Secret;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.Operation.Step;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An operator starts a bank's migration, pauses and repairs it, moves it to the target and back,
/// all with mouse and keyboard in the console, while the bank's clients write.
class ConsoleJourneyIT {

    private record Served(MigrationControl control) implements ServedMigration, MigrationEnd {

        @Override
        public MigrationEnd end() {
            return this;
        }

        @Override
        public Ending end(EndRequest request) {
            assertThat(request.dryRun()).isTrue();
            return new Ending(
                    null,
                    request.kind(),
                    State.DRY_RUN,
                    List.of(new Step("slots", "planned", null, null, "Drop the slots.")),
                    List.of(),
                    null,
                    null);
        }

        @Override
        public Optional<Ending> ending(UUID id) {
            return Optional.empty();
        }

        @Override
        public MigrationDefinition definition() {
            return new MigrationDefinition(
                    List.of(),
                    Stream.of("public.account", "public.ledger")
                            .map(
                                    table ->
                                            new TableDefinition(
                                                    table,
                                                    table,
                                                    "SELECT * FROM " + table,
                                                    List.of("id"),
                                                    List.of()))
                            .toList());
        }

        @Override
        public Approvals approvals() {
            return FakeMigration.noApprovals();
        }

        /// The scene closes it.
        @Override
        public void close() {}
    }

    private static final Path PICTURES = Path.of("target", "console", "journey");

    private final Browser browser;
    private final String address;
    private int pictures;

    ConsoleJourneyIT(@TempDir Path folder) throws IOException {
        browser = Browser.start(folder);
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            address = "http://127.0.0.1:" + socket.getLocalPort();
        }
    }

    private void awaitPhase(String phase) {
        browser.await("document.querySelector('.phase .badge')?.textContent === '" + phase + "'");
    }

    private void awaitText(String text) {
        browser.await("document.querySelector('#live')?.textContent.includes('" + text + "')");
    }

    private void awaitNoText(String text) {
        browser.await("!document.querySelector('#live').textContent.includes('" + text + "')");
    }

    private void goTo(String path) throws IOException {
        browser.followLink("nav a[href='" + path + "']");
        inspect(path.substring(1));
    }

    /// With `-Dconsole.pictures`, pictures of the page are in `target/console/journey`.
    private void inspect(String name) throws IOException {
        assertThat(browser.seriousViolations()).as(name).isEqualTo("[]");
        if (System.getProperty("console.pictures") == null) {
            return;
        }
        Files.createDirectories(PICTURES);
        for (int width : List.of(400, 1280)) {
            for (boolean dark : List.of(true, false)) {
                browser.look(width, dark);
                browser.picture(
                        PICTURES.resolve(
                                "%02d-%s-%d-%s.png"
                                        .formatted(
                                                pictures, name, width, dark ? "dark" : "light")));
            }
        }
        pictures++;
    }

    private String count(String element) {
        return browser.value("String(document.querySelectorAll(\"" + element + "\").length)");
    }

    /// Compares all rows, and opens the page of the verdict.
    private void compare(String verdict) throws IOException {
        String finished = count(".finished tbody tr");
        browser.click("form[data-action$=reconciliations]:not([data-fixed*=incremental]) button");
        browser.await("document.querySelectorAll('.finished tbody tr').length > " + finished);
        browser.followLink(".finished a");
        assertThat(browser.value("document.querySelector('main .badge:not(.phase *)').textContent"))
                .isEqualTo(verdict);
        if (System.getProperty("console.pictures") != null) {
            String page = browser.value("location.href");
            browser.followLink("main a[href$='format=html']");
            inspect("report-" + verdict);
            browser.open(page);
        }
    }

    private void move(String name, String verb) throws IOException {
        goTo("/switchover");
        // Gates that were closed when the page was opened open by themselves.
        while (browser.value("document.querySelector('#gates + p + p').textContent")
                .contains("closed")) {
            browser.followLink("#gates + p a");
        }
        browser.submit(
                "form[data-action$=" + verb + "][data-phased]",
                Map.of("[name=reason]", "a test", "[data-typed]", name));
    }

    /// Starting, seen in the browser, until the migration is open.
    private ServedMigration open(MigrationControl control) {
        browser.open(address + "/");
        awaitText("The migration is starting");
        return new Served(control);
    }

    @Test
    void movesTheTrafficThereAndBackByClicking() throws Exception {
        try (browser;
                BankScene bank =
                        BankScene.paused(
                                BankScene::flag, scene -> scene.backfill(Backfill.WINDOWS));
                MillraceService _ =
                        MillraceService.start(
                                new ServiceAddress(
                                        "127.0.0.1",
                                        Integer.parseInt(address.split(":")[2]),
                                        Secret.NONE),
                                () -> open(bank.scene.running()))) {
            start(bank);
            bank.traffic.startRouted();
            bank.traffic.awaitProgress("source");
            browser.await(
                    "document.querySelector('.name strong')?.textContent === '%s'"
                            .formatted(bank.scene.name));
            inspect("overview");

            pauseAndResume(bank);
            retryARejectedKey(bank);
            repair(bank);
            move(bank.scene.name, "switchover");
            awaitPhase("reversible");
            inspect("reversible");
            bank.traffic.awaitProgress("target");
            bank.awaitOpenGates(Kind.ROLLBACK);
            goTo("/switchover");
            browser.followLink("#end + p a");
            awaitText("Afterwards there is no way back.");
            inspect("end");
            move(bank.scene.name, "rollback");
            awaitPhase("in sync");
            bank.assertOnSource();
            followAKey();
            goTo("/journal");
            goTo("/settings");

            assertThat(browser.errors()).isEmpty();
            assertThat(browser.requests())
                    .allMatch(each -> each.startsWith(address) || each.equals("about:blank"));
        }
    }

    /// With `--paused`, an operator looks at the plan first.
    private void start(BankScene bank) throws IOException {
        awaitPhase("backfilling");
        awaitText("started with --paused");
        inspect("paused");
        assertThat(bank.scene.target.query("SELECT FROM account")).isEmpty();
        browser.click("#stop-writes form[data-action$=resume][data-fixed*=all] button");
        bank.awaitInSync();
        awaitPhase("in sync");
    }

    private void pauseAndResume(BankScene bank) {
        browser.submit("#stop-writes form[data-action$=pause]", Map.of("[name=reason]", "peak"));
        awaitText("Nothing is written to the target");
        browser.click("#stop-writes form[data-action$=resume][data-fixed*=apply] button");
        awaitNoText("Nothing is written to the target");
        bank.traffic.awaitProgress("source");
    }

    /// The target refuses a row until its constraint is dropped.
    private void retryARejectedKey(BankScene bank) throws IOException {
        bank.scene.target.execute("ALTER TABLE account ADD CONSTRAINT few CHECK (id <> 6000)");
        bank.scene.source.execute("INSERT INTO account VALUES (6000, 0)");
        goTo("/rejected");
        awaitText("id = 6000");
        browser.followLink("#live tbody a");
        inspect("rejected-key");
        bank.scene.target.execute("ALTER TABLE account DROP CONSTRAINT few");
        browser.click("form[data-action$=retry] button");
        browser.await("document.querySelector('#answer').textContent.includes('1 keys applied')");
        goTo("/rejected");
        awaitText("No rejected keys");
    }

    private void repair(BankScene bank) throws Exception {
        bank.scene.writeTargetAsMigration("INSERT INTO account VALUES (5000, 0)");
        goTo("/reconciliations");
        compare("different");
        inspect("reconciliation");
        browser.follow("form[data-action$=repair]", Map.of());
        awaitText("id = 5000");
        inspect("dry-run");
        browser.follow(
                "form[data-action$=repair][data-phased]", Map.of("[name=reason]", "a bad script"));
        awaitNoText("running");
        inspect("repair");
        goTo("/reconciliations");
        compare("equal");
        assertThat(bank.scene.target.query("SELECT FROM account WHERE id = 5000")).isEmpty();
        goTo("/tables");
        browser.followLink("#live tbody a");
        inspect("table");
    }

    private void followAKey() throws IOException {
        goTo("/log");
        browser.follow(
                "#follow + form", Map.of("[name=table]", "public.account", "[name=key]", "6000"));
        assertThat(browser.value("document.querySelector('.way').textContent"))
                .contains("insert", "upsert", "WAL position", "6000");
        inspect("way");
    }
}
