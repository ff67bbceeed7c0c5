//! Pictures that are uploaded: what is drawn is kept as pixels.

use crate::world::{World, told};

const SQUARE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#024"/></svg>"##;

both! {
    async fn a_drawn_logo_is_kept_as_pixels(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let logo = app.upload_picture(&world.editor, "acme", SQUARE.into()).await.expect("taken");
        assert_eq!((logo.media_type.as_str(), logo.width, logo.height), ("image/png", 1_024, 1_024));
        app.set_publisher_logo(&world.editor, "acme", &logo.digest).await.expect("set");
        let (media_type, bytes) = app.picture(&logo.digest).await.expect("a picture");
        assert_eq!((media_type.as_str(), &bytes[..4]), ("image/png", b"\x89PNG".as_slice()));
        let wide = SQUARE.replace("0 0 10 10", "0 0 20 10");
        let wide = app.upload_picture(&world.editor, "acme", wide.into()).await.expect("taken");
        let refused = told(app.set_publisher_logo(&world.editor, "acme", &wide.digest).await);
        assert_eq!(refused, "invalid: logo: the logo is 1024 × 512 pixels; it must be square");
        let program = SQUARE.replace("<rect", "<script/><rect");
        let refused = told(app.upload_picture(&world.editor, "acme", program.into()).await);
        assert!(refused.contains("`<script>`, which is not taken"), "{refused}");
    }
}
