package dev.millrace.demo;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;

/// What happens in a shop, each deed one transaction that the caller commits. Rows are locked in
/// the order of their keys, so that deeds of several writers don't deadlock. Immutable.
final class ShopWork {

    private final List<Weighted> deeds;
    private final int weights;

    private ShopWork(List<Weighted> deeds) {
        this.deeds = deeds;
        this.weights = deeds.stream().mapToInt(Weighted::weight).sum();
    }

    static ShopWork on(Connection connection) throws SQLException {
        ShopSize size = ShopSize.of(connection);
        OrderDeeds orders = new OrderDeeds(size);
        CatalogDeeds catalog = new CatalogDeeds(size);
        CustomerDeeds customers = new CustomerDeeds(size);
        return new ShopWork(
                List.of(
                        new Weighted(20, orders::placeOrder),
                        new Weighted(12, orders::capturePayment),
                        new Weighted(3, orders::refusePayment),
                        new Weighted(10, orders::ship),
                        new Weighted(8, catalog::changePrice),
                        new Weighted(2, catalog::listOrUnlist),
                        new Weighted(8, customers::renameCustomer),
                        new Weighted(5, customers::changePreferences),
                        new Weighted(3, customers::deleteOrRestoreCustomer),
                        new Weighted(4, customers::moveHouse),
                        new Weighted(6, customers::beginSessions),
                        new Weighted(5, customers::endSessions),
                        new Weighted(4, catalog::review),
                        new Weighted(2, catalog::deleteReview),
                        new Weighted(4, catalog::wish),
                        new Weighted(3, catalog::wishForAnother),
                        new Weighted(3, catalog::countStock),
                        new Weighted(2, catalog::useCoupons),
                        new Weighted(2, customers::forgetEvents)));
    }

    private interface Deed {
        /// @return rows written
        long perform(Connection connection, Random random) throws SQLException;
    }

    private record Weighted(int weight, Deed deed) {}

    /// Performs a deed by chance, without the COMMIT.
    long next(Connection connection, Random random) throws SQLException {
        int chance = random.nextInt(weights);
        for (Weighted weighted : deeds) {
            chance -= weighted.weight();
            if (chance < 0) {
                return weighted.deed().perform(connection, random);
            }
        }
        throw new IllegalStateException("the weights don't add up to " + weights);
    }
}
