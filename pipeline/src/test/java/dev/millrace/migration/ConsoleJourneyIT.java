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
import dev.millrace.http.MigrationHost.ServedMigration;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.Secret;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchoverRequest.Action;
import dev.millrace.testing.Waits;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An operator moves a bank to the target and back in the console, while its clients write.
class ConsoleJourneyIT {

    private record Served(MigrationControl control) implements ServedMigration, MigrationEnd {

        @Override
        public MigrationEnd end() {
            return this;
        }

        @Override
        public Ending end(EndRequest request) {
            throw new UnsupportedOperationException("No test ends the migration.");
        }

        @Override
        public Optional<Ending> ending(UUID id) {
            return Optional.empty();
        }

        @Override
        public MigrationDefinition definition() {
            return MigrationDefinition.UNKNOWN;
        }

        @Override
        public Approvals approvals() {
            return FakeMigration.noApprovals();
        }

        /// The scene closes it.
        @Override
        public void close() {}
    }

    private static void awaitPhase(Browser browser, String phase) {
        browser.await("document.querySelector('.phase .badge').textContent === '" + phase + "'");
    }

    private static void compare(Browser browser, String verdict) {
        long finished =
                Long.parseLong(
                        browser.value(
                                "String(document.querySelectorAll('.finished tbody tr').length)"));
        browser.submit(
                "form[data-action$=reconciliations]:not([data-fixed*=incremental])", Map.of());
        browser.await("document.querySelectorAll('.finished tbody tr').length > " + finished);
        assertThat(browser.value("document.querySelector('.finished .badge').textContent"))
                .isEqualTo(verdict);
    }

    private static void move(Browser browser, String name, String verb) {
        browser.submit(
                "form[data-action$=" + verb + "][data-phased]",
                Map.of("[name=reason]", "a test", "[data-typed]", name));
    }

    private static void awaitEndOfRepair(BankScene bank) {
        Moves operator = new Moves(bank.scene);
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(
                                                operator.ask(
                                                                Kind.SWITCHOVER,
                                                                Action.DRY_RUN,
                                                                Optional.empty())
                                                        .gates())
                                        .filteredOn(gate -> !gate.name().equals("verdict"))
                                        .allMatch(Gate::ok));
    }

    @Test
    void movesTheTrafficThereAndBackByClicking(@TempDir Path folder) throws Exception {
        try (Browser browser = Browser.start(folder);
                BankScene bank =
                        BankScene.routedBy(
                                BankScene::flag, scene -> scene.backfill(Backfill.WINDOWS));
                MillraceService service =
                        MillraceService.start(
                                new ServiceAddress("127.0.0.1", 0, Secret.NONE),
                                () -> new Served(bank.scene.running()))) {
            bank.traffic.startRouted();
            bank.traffic.awaitProgress("source");
            String address = service.url().toString();
            browser.open(address + "/");
            awaitPhase(browser, "in sync");
            browser.submit("form[data-action$=pause]", Map.of("[name=reason]", "peak hour"));
            browser.await("document.querySelector('#live').textContent.includes('peak hour')");
            browser.submit("form[data-action$=resume]", Map.of());
            browser.await("!document.querySelector('#live').textContent.includes('peak hour')");

            bank.scene.writeTargetAsMigration("INSERT INTO account VALUES (5000, 0)");
            browser.open(address + "/reconciliations");
            compare(browser, "different");
            browser.open(
                    address
                            + browser.value(
                                    "document.querySelector('.finished a').getAttribute('href')"));
            browser.follow("form[data-action$=repair]", Map.of());
            browser.await("document.querySelector('form[data-action$=repair][data-phased]')");
            assertThat(browser.value("document.querySelector('#live').textContent"))
                    .contains("id = 5000", "delete");
            browser.follow(
                    "form[data-action$=repair][data-phased]",
                    Map.of("[name=reason]", "a bad script"));
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    bank.scene
                                            .target
                                            .query("SELECT FROM account WHERE id = 5000")
                                            .isEmpty());
            awaitEndOfRepair(bank);
            browser.open(address + "/reconciliations");
            compare(browser, "equal");
            bank.awaitOpenGates(Kind.SWITCHOVER);

            browser.open(address + "/switchover");
            move(browser, bank.scene.name, "switchover");
            awaitPhase(browser, "reversible");
            bank.traffic.awaitProgress("target");

            bank.awaitOpenGates(Kind.ROLLBACK);
            browser.open(address + "/switchover");
            move(browser, bank.scene.name, "rollback");
            awaitPhase(browser, "in sync");
            bank.assertOnSource();

            assertThat(browser.errors()).isEmpty();
            assertThat(browser.requests())
                    .allMatch(each -> each.startsWith(address) || each.equals("about:blank"));
        }
    }
}
