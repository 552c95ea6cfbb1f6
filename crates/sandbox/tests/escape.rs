//! Ways out that were tried elsewhere, executed for real.
mod support;
fn main() {
    if std::env::args().nth(1).as_deref() == Some(support::LAUNCH) {
        support::launch();
    }
    let user = if std::env::args().nth(1).as_deref() == Some("nobody") {
        support::User::Nobody
    } else {
        support::User::Caller
    };
    let place = support::Place::new(user);
    let out = place.shell(&std::env::args().last().unwrap());
    println!(
        "{} {:?}\n{}\n{}",
        out.status,
        place.path(""),
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    let _ = (support::is_root(), &place.network, &place.tier, &place.nested);
}
