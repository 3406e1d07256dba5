from webapp.blueprints.style_guide.routes import bp

__all__ = ["bp"]
