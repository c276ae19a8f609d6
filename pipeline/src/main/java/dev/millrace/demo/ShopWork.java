package dev.millrace.demo;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;

/// What happens in a shop, each deed one transaction that the caller commits. Rows are locked in
/// the order of their keys, so that deeds of several writers don't deadlock. Immutable.
final class ShopWork {

    private static final List<Weighted> DEEDS =
            List.of(
                    new Weighted(20, OrderDeeds::placeOrder),
                    new Weighted(12, OrderDeeds::capturePayment),
                    new Weighted(3, OrderDeeds::refusePayment),
                    new Weighted(10, OrderDeeds::ship),
                    new Weighted(8, CatalogDeeds::changePrice),
                    new Weighted(2, CatalogDeeds::listOrUnlist),
                    new Weighted(8, CustomerDeeds::renameCustomer),
                    new Weighted(5, CustomerDeeds::changePreferences),
                    new Weighted(3, CustomerDeeds::deleteOrRestoreCustomer),
                    new Weighted(4, CustomerDeeds::moveHouse),
                    new Weighted(6, CustomerDeeds::beginSessions),
                    new Weighted(5, CustomerDeeds::endSessions),
                    new Weighted(4, CatalogDeeds::review),
                    new Weighted(2, CatalogDeeds::deleteReview),
                    new Weighted(4, CatalogDeeds::wish),
                    new Weighted(3, CatalogDeeds::wishForAnother),
                    new Weighted(3, CatalogDeeds::countStock),
                    new Weighted(2, CatalogDeeds::useCoupons),
                    new Weighted(2, CustomerDeeds::forgetEvents));

    private static final int WEIGHTS = DEEDS.stream().mapToInt(Weighted::weight).sum();

    private final ShopSize shop;

    private ShopWork(ShopSize shop) {
        this.shop = shop;
    }

    static ShopWork on(Connection connection) throws SQLException {
        return new ShopWork(ShopSize.of(connection));
    }

    private interface Deed {
        /// @return rows written
        long perform(ShopTurn turn) throws SQLException;
    }

    private record Weighted(int weight, Deed deed) {}

    /// Performs a deed by chance, without the COMMIT.
    long next(Connection connection, Random random) throws SQLException {
        ShopTurn turn = new ShopTurn(connection, random, shop);
        int chance = turn.below(WEIGHTS);
        for (Weighted weighted : DEEDS) {
            chance -= weighted.weight();
            if (chance < 0) {
                return weighted.deed().perform(turn);
            }
        }
        throw new IllegalStateException("the weights don't add up to " + WEIGHTS);
    }
}
